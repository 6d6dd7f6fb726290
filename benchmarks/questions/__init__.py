"""Questions of the user's own: reading their files, asking, and scoring."""
