"""The schema, as numbered steps. `PRAGMA user_version` counts the steps a database has taken; a step never changes."""

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE documents (
        kind    TEXT NOT NULL,
        key     TEXT NOT NULL,
        id      TEXT NOT NULL,
        parent  TEXT NOT NULL,
        name    TEXT NOT NULL,
        body    TEXT NOT NULL,
        created TEXT NOT NULL,
        changed TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID;
    CREATE INDEX documents_of_parent ON documents (kind, parent, created);

    CREATE TABLE metrics (
        sequence  INTEGER PRIMARY KEY,
        run       TEXT NOT NULL,
        name      TEXT NOT NULL,
        value     REAL NOT NULL,
        timestamp INTEGER NOT NULL,
        step      INTEGER NOT NULL
    );
    CREATE INDEX metrics_of_run ON metrics (run, name, step);

    CREATE TABLE blobs (
        account   TEXT NOT NULL,
        container TEXT NOT NULL,
        name      TEXT NOT NULL,
        type      TEXT NOT NULL,
        metadata  TEXT NOT NULL,
        PRIMARY KEY (account, container, name)
    ) WITHOUT ROWID;
    """,
)
