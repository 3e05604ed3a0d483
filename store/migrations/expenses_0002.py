"""The tables of version 0002. Frozen: later changes are later migrations."""

from typing import Final

STATEMENTS: Final = (
    "ALTER TABLE posting DROP CONSTRAINT posting_kind_check",
    """
    ALTER TABLE posting ADD CONSTRAINT posting_kind_check
      CHECK (kind IN ('time', 'expense', 'reversal', 'undo'))
    """,
    "ALTER TABLE source_line DROP CONSTRAINT source_line_status_check",
    """
    ALTER TABLE source_line ADD CONSTRAINT source_line_status_check CHECK (status IN
      ('NOT_APPROVED', 'APPROVED', 'WITHDRAWN', 'REJECTED', 'DELETED', 'UNREADABLE'))
    """,
    # What cannot be read may go back to its source, too.
    "ALTER TABLE source_line DROP CONSTRAINT source_line_check",
    """
    ALTER TABLE source_line ADD CONSTRAINT source_line_check CHECK (entry IS NOT NULL
      OR status IN ('UNREADABLE', 'DELETED', 'REJECTED', 'WITHDRAWN'))
    """,
    # Whether a source has given a report over to us: asked before the first byte leaves, so that
    # "claimed before" can be told from "claimed by somebody else".
    """
    CREATE TABLE source_claim (
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      state text NOT NULL CHECK (state IN ('ASKED', 'CLAIMED', 'RECALLED', 'REFUSED')),
      attempts integer NOT NULL DEFAULT 1,
      code text NOT NULL DEFAULT '',
      asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      answered_at timestamptz,
      PRIMARY KEY (connection, object, source_id),
      CHECK ((state = 'ASKED') = (answered_at IS NULL))
    )
    """,
    "CREATE INDEX source_claim_asked ON source_claim (connection) WHERE state = 'ASKED'",
    # What the ERP last said of the payment of a posted document; amounts in its currency.
    """
    CREATE TABLE document_payment (
      posting_key uuid PRIMARY KEY REFERENCES posting (key),
      target text NOT NULL,
      document_id text NOT NULL,
      number text NOT NULL,
      state text NOT NULL CHECK (state IN ('none', 'partial', 'paid', 'reversed')),
      currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
      total numeric NOT NULL CHECK (total > -1e15 AND total < 1e15 AND scale(total) <= 4),
      paid numeric NOT NULL CHECK (paid > -1e15 AND paid < 1e15 AND scale(paid) <= 4),
      due_on date,
      last_paid_on date,
      changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      steps integer NOT NULL DEFAULT 0
    )
    """,
    "ALTER TABLE outbox ADD COLUMN ordinal integer NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN detail text",
    # What a source did not answer waits by itself, and holds up only its own document's news.
    "ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN not_before timestamptz",
    "ALTER TABLE outbox DROP CONSTRAINT outbox_once",
    "ALTER TABLE outbox ADD CONSTRAINT outbox_once UNIQUE (posting_key, kind, ordinal)",
)
