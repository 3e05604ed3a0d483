"""The tables of version 0001. Frozen: later changes are later migrations."""

from typing import Final

# Exact money in an unconstrained numeric: NaN is greater than everything, so the range keeps it
# out, and the scale check refuses what numeric(18,2) would round silently.
_MONEY: Final = "CHECK ({0} > -1e15 AND {0} < 1e15 AND scale({0}) <= 4)"

_INTAKE: Final = (
    """
    CREATE TABLE inbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      content_hash text NOT NULL,
      payload text NOT NULL,
      received_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT inbox_once UNIQUE (connection, object, source_id, content_hash)
    )
    """,
    """
    CREATE TABLE dead_letter (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      connection text NOT NULL,
      object text NOT NULL,
      content_hash text NOT NULL,
      source_id text,
      reason text NOT NULL,
      payload text NOT NULL,
      times integer NOT NULL DEFAULT 1,
      first_seen_at timestamptz NOT NULL DEFAULT now(),
      last_seen_at timestamptz NOT NULL DEFAULT now(),
      settled_at timestamptz,
      CONSTRAINT dead_letter_once UNIQUE (connection, object, content_hash)
    )
    """,
    """
    CREATE TABLE source_cursor (
      connection text NOT NULL,
      object text NOT NULL,
      watermark timestamptz NOT NULL,
      last_polled_at timestamptz,
      last_error text,
      PRIMARY KEY (connection, object)
    )
    """,
    """
    CREATE TABLE document (
      connection text NOT NULL,
      kind text NOT NULL,
      document_id text NOT NULL,
      employee text NOT NULL,
      starts_on date NOT NULL,
      news_seq bigint NOT NULL DEFAULT 1,
      dispatched_seq bigint NOT NULL DEFAULT 0,
      prepared_seq bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (connection, kind, document_id)
    )
    """,
    "CREATE INDEX document_undispatched ON document (connection) WHERE news_seq > dispatched_seq",
    "CREATE INDEX document_unprepared ON document (connection) WHERE news_seq > prepared_seq",
    """
    CREATE TABLE source_line (
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      document_id text NOT NULL,
      employee text NOT NULL,
      work_date date,
      revision integer NOT NULL CHECK (revision >= 1),
      financial_hash text NOT NULL,
      status text NOT NULL CHECK (
        status IN ('NOT_APPROVED', 'APPROVED', 'WITHDRAWN', 'DELETED', 'UNREADABLE')),
      approved_at timestamptz,
      approved_at_from text CHECK (approved_at_from IN ('source', 'first_seen')),
      trouble text,
      entry text,
      changed_at timestamptz NOT NULL,
      seen_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, object, source_id),
      CHECK (entry IS NOT NULL OR status IN ('UNREADABLE', 'DELETED'))
    )
    """,
    "CREATE INDEX source_line_document ON source_line (connection, document_id)",
    "CREATE INDEX source_line_work_date ON source_line (connection, object, work_date)",
)

_LEDGER: Final = (
    """
    CREATE TABLE exception_case (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      tenant text NOT NULL,
      connection text NOT NULL,
      target text NOT NULL,
      legal_entity text NOT NULL,
      cause text NOT NULL,
      subject text NOT NULL,
      sentence text NOT NULL,
      period text,
      state text NOT NULL CHECK (state IN ('OPEN', 'TRYING', 'WAITING_FOR_SOURCE', 'RESOLVED')),
      owner text NOT NULL,
      opened_at timestamptz NOT NULL DEFAULT now(),
      deadline_at timestamptz NOT NULL,
      resolution text,
      resolved_by text,
      resolved_at timestamptz,
      actor text NOT NULL,
      reason text NOT NULL,
      correlation_id text NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX exception_case_open
      ON exception_case (tenant, target, legal_entity, cause, subject) WHERE state <> 'RESOLVED'
    """,
    f"""
    CREATE TABLE posting (
      key uuid PRIMARY KEY,
      reference text NOT NULL UNIQUE,
      tenant text NOT NULL,
      target text NOT NULL,
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      revision integer NOT NULL CHECK (revision >= 1),
      kind text NOT NULL CHECK (kind IN ('time', 'reversal', 'undo')),
      leg text NOT NULL,
      amendment integer NOT NULL CHECK (amendment >= 0),
      document_id text NOT NULL,
      legal_entity text NOT NULL,
      period text,
      posting_date date,
      original_date date,
      seconds integer NOT NULL,
      amount numeric NOT NULL {_MONEY.format("amount")},
      currency text NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'),
      intent text,
      body_hash text NOT NULL,
      state text NOT NULL,
      fence bigint NOT NULL DEFAULT 0,
      claimed_by text,
      sent_at timestamptz,
      unknown_since timestamptz,
      evidence text,
      last_outcome text,
      erp_document_id text,
      posted_at timestamptz,
      attested_at timestamptz,
      other_document_ids text[] NOT NULL DEFAULT '{{}}',
      case_id uuid REFERENCES exception_case (id),
      released_at timestamptz,
      corrects uuid REFERENCES posting (key),
      waits_for uuid REFERENCES posting (key),
      next_revision integer,
      withdrawn boolean NOT NULL DEFAULT false,
      created_at timestamptz NOT NULL DEFAULT now(),
      actor text NOT NULL,
      reason text NOT NULL,
      correlation_id text NOT NULL,
      CONSTRAINT posting_once UNIQUE
        (tenant, target, connection, object, source_id, revision, kind, leg, amendment),
      CHECK (intent IS NOT NULL OR state IN ('EXCEPTION', 'SUPERSEDED', 'CANCELLED', 'WAIVED')),
      CHECK ((state IN ('POSTED', 'REVERSED')) <= (erp_document_id IS NOT NULL)),
      CHECK ((state = 'SENDING') <= (sent_at IS NOT NULL AND fence > 0)),
      CHECK ((state IN ('EXCEPTION', 'IN_DOUBT')) <= (case_id IS NOT NULL)),
      CHECK ((kind IN ('undo', 'reversal')) = (corrects IS NOT NULL AND kind <> 'time'))
    )
    """,
    """
    CREATE UNIQUE INDEX posting_unsettled_once
      ON posting (tenant, target, connection, object, source_id, leg, kind)
      WHERE state IN ('PENDING', 'SENDING', 'EXCEPTION', 'IN_DOUBT')
    """,
    "CREATE INDEX posting_document ON posting (connection, document_id)",
    "CREATE INDEX posting_line ON posting (connection, object, source_id)",
    """
    CREATE INDEX posting_open ON posting (target, state)
      WHERE state IN ('PENDING', 'SENDING', 'EXCEPTION', 'IN_DOUBT', 'DUPLICATE')
    """,
    "CREATE INDEX posting_case ON posting (case_id) WHERE case_id IS NOT NULL",
    "CREATE INDEX posting_by_period ON posting (target, legal_entity, period)",
    "CREATE INDEX posting_unattested ON posting (target) "
    "WHERE state = 'POSTED' AND attested_at IS NULL",
    "CREATE INDEX posting_erp_document ON posting (target, erp_document_id) "
    "WHERE erp_document_id IS NOT NULL",
    """
    CREATE TABLE amendment (
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      revision integer NOT NULL,
      field text NOT NULL,
      value text NOT NULL,
      case_id uuid NOT NULL REFERENCES exception_case (id),
      made_by text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, object, source_id, revision, field)
    )
    """,
    """
    CREATE TABLE outbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      posting_key uuid NOT NULL REFERENCES posting (key),
      kind text NOT NULL,
      reference text NOT NULL,
      document_id text NOT NULL,
      state text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'SENT', 'REFUSED')),
      code text,
      created_at timestamptz NOT NULL DEFAULT now(),
      done_at timestamptz,
      CONSTRAINT outbox_once UNIQUE (posting_key, kind)
    )
    """,
    "CREATE INDEX outbox_waiting ON outbox (connection, id) WHERE state = 'WAITING'",
)

_MASTERS: Final = (
    """
    CREATE TABLE master_record (
      connection text NOT NULL,
      kind text NOT NULL,
      id text NOT NULL,
      code text NOT NULL,
      body text NOT NULL,
      gone_at timestamptz,
      PRIMARY KEY (connection, kind, id)
    )
    """,
    """
    CREATE TABLE posting_period (
      connection text NOT NULL,
      id text NOT NULL,
      legal_entity text NOT NULL,
      body text NOT NULL,
      PRIMARY KEY (connection, id)
    )
    """,
    """
    CREATE TABLE master_snapshot (
      connection text PRIMARY KEY,
      version bigint NOT NULL DEFAULT 0,
      masters_read_at timestamptz,
      calendar_read_at timestamptz
    )
    """,
    """
    CREATE TABLE cross_reference (
      kind text NOT NULL,
      source text NOT NULL,
      source_id text NOT NULL,
      target text NOT NULL,
      target_id text NOT NULL,
      made_by text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (kind, source, source_id, target),
      CONSTRAINT cross_reference_one_to_one UNIQUE (kind, source, target, target_id)
    )
    """,
    """
    CREATE TABLE rate_window (
      connection text PRIMARY KEY,
      calls timestamptz[] NOT NULL DEFAULT '{}',
      paused_until timestamptz
    )
    """,
)

STATEMENTS: Final = (*_INTAKE, *_LEDGER, *_MASTERS)
