"""What every test may use. The cast: alice votes, mallory abuses; models alpha, beta, gamma."""
