"""The tables of version 0004. Frozen: later changes are later migrations."""

from typing import Final

# An identity is one thing in several systems; it is named by its owner's record.
_IDENTITY: Final = "kind text NOT NULL, owner text NOT NULL, owner_id text NOT NULL"

STATEMENTS: Final = (
    "ALTER TABLE audit DROP CONSTRAINT audit_subject_kind_check",
    """
    ALTER TABLE audit ADD CONSTRAINT audit_subject_kind_check
      CHECK (subject_kind IN ('posting', 'case', 'master'))
    """,
    # Whether its system said that it is gone; what is only not shown may not have been readable.
    "ALTER TABLE master_record ADD COLUMN gone_said boolean NOT NULL DEFAULT false",
    # Identities that may have something to be done about them.
    f"""
    CREATE TABLE master_news (
      {_IDENTITY},
      seq bigint GENERATED ALWAYS AS IDENTITY,
      noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      not_before timestamptz NOT NULL DEFAULT '-infinity',
      PRIMARY KEY (kind, owner, owner_id)
    )
    """,
    # What was last seen to be the same in a system and with the field's owner.
    f"""
    CREATE TABLE master_agreement (
      {_IDENTITY},
      connection text NOT NULL,
      field text NOT NULL,
      value text NOT NULL,
      agreed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (kind, owner, owner_id, connection, field)
    )
    """,
    # Written before it is sent: a write without an answer is SENDING until a look has told.
    f"""
    CREATE TABLE master_write (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      {_IDENTITY},
      connection text NOT NULL,
      record_id text,
      code text NOT NULL,
      body text NOT NULL,
      state text NOT NULL CHECK (state IN ('SENDING', 'DONE', 'REFUSED', 'NOTHING_DONE')),
      said text NOT NULL DEFAULT '',
      sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      settled_at timestamptz,
      correlation_id text NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX master_write_under_way
      ON master_write (kind, owner, owner_id, connection) WHERE state = 'SENDING'
    """,
    # What people have to decide about one identity in one system.
    f"""
    CREATE TABLE master_issue (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      {_IDENTITY},
      code text NOT NULL,
      legal_entity text NOT NULL,
      connection text NOT NULL,
      cause text NOT NULL,
      field text NOT NULL DEFAULT '',
      field_owner text NOT NULL DEFAULT '',
      owner_value text NOT NULL DEFAULT '',
      value text NOT NULL DEFAULT '',
      candidates text[] NOT NULL DEFAULT '{{}}',
      case_id uuid REFERENCES exception_case (id),
      -- What a person decided about just these values; it holds as long as they stay.
      decision text,
      decided_by text,
      opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      closed_at timestamptz
    )
    """,
    """
    CREATE UNIQUE INDEX master_issue_open
      ON master_issue (kind, owner, owner_id, connection, cause, field) WHERE closed_at IS NULL
    """,
    "CREATE INDEX master_issue_case ON master_issue (case_id) WHERE closed_at IS NULL",
    # Records of which a person said that they are something else.
    f"""
    CREATE TABLE master_apart (
      {_IDENTITY},
      connection text NOT NULL,
      record_id text NOT NULL,
      decided_by text NOT NULL,
      PRIMARY KEY (kind, owner, owner_id, connection, record_id)
    )
    """,
    # Who owns a field of one record, where a person decided otherwise than the policy; `once` until
    # the others have its value.
    f"""
    CREATE TABLE master_field_owner (
      {_IDENTITY},
      field text NOT NULL,
      connection text NOT NULL,
      once boolean NOT NULL,
      decided_by text NOT NULL,
      reason text NOT NULL DEFAULT '',
      PRIMARY KEY (kind, owner, owner_id, field)
    )
    """,
    # From which day on a person works for which cost centre, as HR says.
    """
    CREATE TABLE cost_centre_assignment (
      connection text NOT NULL,
      employee text NOT NULL,
      valid_from date NOT NULL,
      cost_centre text NOT NULL,
      PRIMARY KEY (connection, employee, valid_from)
    )
    """,
    "CREATE INDEX cross_reference_target ON cross_reference (kind, target, target_id)",
    """
    CREATE FUNCTION master_write_noted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit (subject_kind, subject, to_state, outcome, actor, reason, correlation_id)
        VALUES ('master', NEW.kind || ' ' || NEW.code || ' in ' || NEW.connection, NEW.state,
                NULLIF(NEW.said, ''), 'master data sync',
                CASE WHEN NEW.record_id IS NULL THEN 'made' ELSE 'changed' END,
                NEW.correlation_id);
      RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER master_write_noted AFTER INSERT OR UPDATE OF state ON master_write
      FOR EACH ROW EXECUTE FUNCTION master_write_noted()
    """,
)
