"""Are PostgreSQL and Redis there for the second round of tests? Exit 0 yes, 3 no, 1 no under CI."""

import os
import sys

import psycopg
import redis


def missing(database_url, redis_url):
    try:
        server = database_url.rsplit("/", 1)[0] + "/postgres"
        psycopg.connect(server.replace("postgres://", "postgresql://"), connect_timeout=3).close()
    except psycopg.OperationalError as error:
        return f"PostgreSQL is not there: {error}".strip()
    try:
        redis.Redis.from_url(redis_url, socket_connect_timeout=3).ping()
    except redis.RedisError as error:
        return f"Redis is not there: {error}"
    return None


if __name__ == "__main__":
    reason = missing(*sys.argv[1:3])
    if reason:
        sys.stderr.write(f"Skipped the tests on PostgreSQL and Redis. {reason}\n")
        sys.exit(1 if os.environ.get("CI", "").lower() == "true" else 3)
