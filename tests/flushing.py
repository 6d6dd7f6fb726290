"""Emptying the database after a test that commits, without what makes Django's own way slow.

Django truncates every table, which on PostgreSQL writes a new file for each table and index, and
then makes all content types and permissions anew. Deleting rows costs what the rows cost, and the
content types and permissions, which no test changes, are left in place.
"""

from functools import cache

from django.db import connections, transaction

KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})


@cache
def _tables(alias):
    names = connections[alias].introspection.django_table_names(only_existing=True)
    return sorted(set(names) - KEPT)


def empty(alias):
    """Delete every row; foreign keys are checked at the end, so the order does not matter."""
    connection = connections[alias]
    statements = [f"DELETE FROM {connection.ops.quote_name(name)}" for name in _tables(alias)]
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("; ".join(statements))
        else:
            for statement in statements:
                cursor.execute(statement)
