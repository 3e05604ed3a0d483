"""What the database itself enforces in version 0001: legal transitions, and one audit row each."""

from typing import Final

# POSTING.md section 2. A claim that is taken over again is SENDING to SENDING with a new fence.
# "Adopted" transitions (to POSTED) are for documents that the ERP turned out to hold.
_TRANSITIONS: Final = {
    "PENDING": ("SENDING", "EXCEPTION", "SUPERSEDED", "CANCELLED", "WAIVED", "POSTED"),
    "SENDING": (
        *("PENDING", "POSTED", "EXCEPTION", "IN_DOUBT", "DUPLICATE", "SUPERSEDED", "CANCELLED"),
    ),
    "POSTED": ("REVERSED", "DUPLICATE"),
    "EXCEPTION": ("PENDING", "SUPERSEDED", "CANCELLED", "WAIVED", "POSTED"),
    "IN_DOUBT": ("POSTED", "PENDING", "DUPLICATE", "CANCELLED", "SUPERSEDED", "WAIVED"),
    "DUPLICATE": ("POSTED", "REVERSED"),
}

_AUDIT: Final = """
    CREATE TABLE audit (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      subject_kind text NOT NULL CHECK (subject_kind IN ('posting', 'case')),
      subject text NOT NULL,
      from_state text,
      to_state text NOT NULL,
      fence bigint,
      outcome text,
      actor text NOT NULL,
      reason text NOT NULL,
      correlation_id text NOT NULL
    )
"""

_POSTING_BORN: Final = """
    CREATE FUNCTION posting_born() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM born WHERE state NOT IN ('PENDING', 'EXCEPTION')) THEN
        RAISE EXCEPTION 'a posting begins as PENDING or EXCEPTION' USING ERRCODE = '23514';
      END IF;
      INSERT INTO audit (subject_kind, subject, to_state, fence, actor, reason, correlation_id)
        SELECT 'posting', key::text, state, fence, actor, reason, correlation_id FROM born;
      RETURN NULL;
    END $$
"""

_POSTING_CHANGED: Final = """
    CREATE FUNCTION posting_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong record;
    BEGIN
      SELECT o.key, o.state AS was, n.state AS is_now INTO wrong
        FROM after_change n JOIN before_change o USING (key)
        WHERE o.state <> n.state AND NOT EXISTS (
          SELECT FROM posting_transition t WHERE t.from_state = o.state AND t.to_state = n.state)
        LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'posting % may not go from % to %', wrong.key, wrong.was, wrong.is_now
          USING ERRCODE = '23514';
      END IF;
      SELECT o.key INTO wrong
        FROM after_change n JOIN before_change o USING (key)
        WHERE n.fence < o.fence
           OR n.reference <> o.reference
           OR (o.fence > 0 AND n.body_hash <> o.body_hash)
           OR (o.erp_document_id IS NOT NULL AND o.state <> 'DUPLICATE'
               AND n.erp_document_id IS DISTINCT FROM o.erp_document_id)
        LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'posting %: fence, reference, body and document of what was sent stay',
          wrong.key USING ERRCODE = '23514';
      END IF;
      IF (SELECT count(*) FROM after_change) <>
         (SELECT count(*) FROM after_change JOIN before_change USING (key)) THEN
        RAISE EXCEPTION 'the key of a posting is for ever' USING ERRCODE = '23514';
      END IF;
      INSERT INTO audit (subject_kind, subject, from_state, to_state, fence, outcome,
                         actor, reason, correlation_id)
        SELECT 'posting', n.key::text, o.state, n.state, n.fence, n.last_outcome,
               n.actor, n.reason, n.correlation_id
        FROM after_change n JOIN before_change o USING (key)
        WHERE n.state <> o.state OR n.fence <> o.fence
           OR n.unknown_since IS DISTINCT FROM o.unknown_since;
      RETURN NULL;
    END $$
"""

_CASE_BORN: Final = """
    CREATE FUNCTION exception_case_born() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit (subject_kind, subject, to_state, actor, reason, correlation_id)
        SELECT 'case', id::text, state, actor, reason, correlation_id FROM born;
      RETURN NULL;
    END $$
"""

_CASE_CHANGED: Final = """
    CREATE FUNCTION exception_case_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM after_change n JOIN before_change o USING (id)
                 WHERE o.state = 'RESOLVED' AND n.state <> 'RESOLVED') THEN
        RAISE EXCEPTION 'a resolved case stays resolved; a new one is opened'
          USING ERRCODE = '23514';
      END IF;
      INSERT INTO audit (subject_kind, subject, from_state, to_state, outcome,
                         actor, reason, correlation_id)
        SELECT 'case', n.id::text, o.state, n.state, n.resolution,
               n.actor, n.reason, n.correlation_id
        FROM after_change n JOIN before_change o USING (id) WHERE n.state <> o.state;
      RETURN NULL;
    END $$
"""

_FOR_EVER: Final = """
    CREATE FUNCTION stays_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'rows of % are never removed or rewritten', TG_TABLE_NAME
        USING ERRCODE = '23514';
    END $$
"""


def _transition_rows() -> str:
    pairs = (f"('{old}', '{new}')" for old, states in _TRANSITIONS.items() for new in states)
    return ", ".join(pairs)


def _statement_triggers(table: str) -> tuple[str, str]:
    return (
        f"CREATE TRIGGER {table}_born AFTER INSERT ON {table} "
        f"REFERENCING NEW TABLE AS born FOR EACH STATEMENT EXECUTE FUNCTION {table}_born()",
        f"CREATE TRIGGER {table}_changed AFTER UPDATE ON {table} "
        "REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed()",
    )


def _kept(table: str, *events: str) -> str:
    return (
        f"CREATE TRIGGER {table}_kept BEFORE {' OR '.join(events)} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION stays_for_ever()"
    )


STATEMENTS: Final = (
    "CREATE TABLE posting_transition "
    "(from_state text, to_state text, PRIMARY KEY (from_state, to_state))",
    f"INSERT INTO posting_transition VALUES {_transition_rows()}",
    _AUDIT,
    "CREATE INDEX audit_subject ON audit (subject, id)",
    _POSTING_BORN,
    _POSTING_CHANGED,
    _CASE_BORN,
    _CASE_CHANGED,
    _FOR_EVER,
    *_statement_triggers("posting"),
    *_statement_triggers("exception_case"),
    _kept("posting", "DELETE", "TRUNCATE"),
    _kept("exception_case", "DELETE", "TRUNCATE"),
    _kept("audit", "UPDATE", "DELETE", "TRUNCATE"),
)
