"""The tables of version 0003. Frozen: later changes are later migrations."""

from typing import Final

_MONEY: Final = "CHECK ({0} > -1e15 AND {0} < 1e15 AND scale({0}) <= 4)"
_CURRENCY: Final = "CHECK ({0} ~ '^[A-Z]{{3}}$')"

_POSTINGS: Final = (
    "ALTER TABLE posting DROP CONSTRAINT posting_kind_check",
    """
    ALTER TABLE posting ADD CONSTRAINT posting_kind_check
      CHECK (kind IN ('time', 'expense', 'invoice', 'journal', 'reversal', 'undo'))
    """,
    # A credit note corrects an invoice, and takes nothing back: it may be of a part.
    "ALTER TABLE posting DROP CONSTRAINT posting_check4",
    """
    ALTER TABLE posting ADD CONSTRAINT posting_corrects_check
      CHECK ((kind IN ('undo', 'reversal')) <= (corrects IS NOT NULL))
    """,
    # A document that is told of rarely says when it was told last.
    "ALTER TABLE document ADD COLUMN told_at timestamptz",
)

# Which projects a source line was ever on: what billing finds it by, moved or not. The name is the
# source's own: an id of its masters, or the code that it gives.
_WORK_PROJECT: Final = (
    """
    CREATE TABLE work_project (
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      project text NOT NULL,
      PRIMARY KEY (connection, object, source_id, project)
    )
    """,
    "CREATE INDEX work_project_lines ON work_project (project, connection)",
    """
    CREATE FUNCTION projects_of(object text, entry text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE AS $$
      SELECT entry::jsonb ->> 'project'
      WHERE object = 'time_entry' AND entry::jsonb ->> 'project' IS NOT NULL
      UNION
      SELECT part ->> 'project'
      FROM jsonb_path_query(
        CASE WHEN object = 'expense_report' THEN entry::jsonb ELSE '{}' END,
        '$.items[*].allocations[*]') AS part
      WHERE part ->> 'project' IS NOT NULL
    $$
    """,
    """
    INSERT INTO work_project
      SELECT l.connection, l.object, l.source_id, p.project
      FROM source_line l CROSS JOIN LATERAL projects_of(l.object, l.entry) AS p(project)
      WHERE l.entry IS NOT NULL AND l.object IN ('time_entry', 'expense_report')
    """,
)

# Who bills hears of changes here: rows are only added, by whatever changes a line, and taken away
# by who hears of them. So nobody who posts waits for anybody who bills.
_NEWS: Final = (
    """
    CREATE TABLE billing_news (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL
    )
    """,
    """
    CREATE TABLE engagement_project (
      connection text NOT NULL,
      engagement text NOT NULL,
      project text NOT NULL,
      PRIMARY KEY (connection, engagement, project)
    )
    """,
    "CREATE INDEX engagement_of_project ON engagement_project (project)",
    """
    CREATE FUNCTION source_line_born() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO work_project
        SELECT l.connection, l.object, l.source_id, p.project
        FROM born l CROSS JOIN LATERAL projects_of(l.object, l.entry) AS p(project)
        WHERE l.entry IS NOT NULL AND l.object IN ('time_entry', 'expense_report')
        ON CONFLICT DO NOTHING;
      IF EXISTS (SELECT FROM engagement_project) THEN
        INSERT INTO billing_news (connection, object, source_id)
          SELECT connection, object, source_id FROM born
          WHERE object IN ('time_entry', 'expense_report');
      END IF;
      RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION source_line_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO work_project
        SELECT l.connection, l.object, l.source_id, p.project
        FROM after_change l
        JOIN before_change b USING (connection, object, source_id)
        CROSS JOIN LATERAL projects_of(l.object, l.entry) AS p(project)
        WHERE l.entry IS DISTINCT FROM b.entry AND l.entry IS NOT NULL
          AND l.object IN ('time_entry', 'expense_report')
        ON CONFLICT DO NOTHING;
      IF EXISTS (SELECT FROM engagement_project) THEN
        INSERT INTO billing_news (connection, object, source_id)
          SELECT l.connection, l.object, l.source_id
          FROM after_change l JOIN before_change b USING (connection, object, source_id)
          WHERE l.object IN ('time_entry', 'expense_report')
            AND (l.status, l.revision, l.entry) IS DISTINCT FROM (b.status, b.revision, b.entry);
      END IF;
      RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER source_line_born AFTER INSERT ON source_line "
    "REFERENCING NEW TABLE AS born FOR EACH STATEMENT EXECUTE FUNCTION source_line_born()",
    "CREATE TRIGGER source_line_changed AFTER UPDATE ON source_line "
    "REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change "
    "FOR EACH STATEMENT EXECUTE FUNCTION source_line_changed()",
    # A posting matters to billing once it is settled, stopped, or let go.
    """
    CREATE FUNCTION posting_tells_billing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM engagement_project) THEN
        INSERT INTO billing_news (connection, object, source_id)
          SELECT DISTINCT n.connection, n.object, n.source_id
          FROM after_change n JOIN before_change o USING (key)
          WHERE n.state <> o.state AND n.state <> 'SENDING'
            AND (n.state, o.state) <> ('PENDING', 'SENDING');
      END IF;
      RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER posting_tells_billing AFTER UPDATE ON posting "
    "REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change "
    "FOR EACH STATEMENT EXECUTE FUNCTION posting_tells_billing()",
)

_VALUES: Final = (
    # What a revision is worth and costs, as it was decided when it was approved; later tables do
    # not touch it. A part is one share of one cost; hours have one part only.
    f"""
    CREATE TABLE work_value (
      connection text NOT NULL,
      object text NOT NULL,
      source_id text NOT NULL,
      part text NOT NULL,
      revision integer NOT NULL CHECK (revision >= 1),
      project text NOT NULL,
      employee text NOT NULL,
      work_date date NOT NULL,
      billable boolean NOT NULL,
      seconds integer NOT NULL,
      billed_seconds integer NOT NULL,
      rate numeric,
      worth numeric {_MONEY.format("worth")},
      currency text {_CURRENCY.format("currency")},
      why text NOT NULL,
      cost numeric {_MONEY.format("cost")},
      cost_currency text {_CURRENCY.format("cost_currency")},
      decided_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, object, source_id, part, revision),
      CHECK ((worth IS NULL) = (currency IS NULL)),
      CHECK ((cost IS NULL) = (cost_currency IS NULL))
    )
    """,
    "CREATE INDEX work_value_project ON work_value (project, work_date)",
    """
    CREATE TABLE exchange_rate (
      connection text NOT NULL,
      source_currency text NOT NULL,
      target_currency text NOT NULL,
      on_date date NOT NULL,
      rate numeric NOT NULL CHECK (rate > 0),
      origin text NOT NULL,
      PRIMARY KEY (connection, source_currency, target_currency, on_date, origin)
    )
    """,
    """
    CREATE TABLE cost_rate (
      connection text NOT NULL,
      employee text NOT NULL,
      valid_from date NOT NULL,
      rate numeric NOT NULL CHECK (rate >= 0),
      currency text NOT NULL,
      PRIMARY KEY (connection, employee, valid_from)
    )
    """,
)

_BILLING: Final = (
    # Which part of which invoice line is which work: the only record of what is billed.
    f"""
    CREATE TABLE billing_allocation (
      connection text NOT NULL,
      engagement text NOT NULL,
      legal_entity text NOT NULL,
      event_id text NOT NULL,
      ordinal integer NOT NULL,
      kind text NOT NULL
        CHECK (kind IN ('billed', 'credited', 'written_off', 'write_down', 'drawn')),
      invoice_line text,
      -- What its invoice line is for; null for what is on none.
      role text,
      contract_line text NOT NULL,
      work_key text NOT NULL,
      work_kind text NOT NULL CHECK (work_kind IN ('time', 'expense', 'schedule', 'write_down')),
      revision integer NOT NULL,
      project text,
      work_date date NOT NULL,
      billed_date date NOT NULL,
      seconds bigint NOT NULL,
      worth numeric NOT NULL {_MONEY.format("worth")},
      worth_currency text NOT NULL,
      amount numeric NOT NULL {_MONEY.format("amount")},
      currency text NOT NULL,
      body text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, event_id, ordinal)
    )
    """,
    "CREATE INDEX billing_allocation_engagement ON billing_allocation (connection, engagement)",
    "CREATE INDEX billing_allocation_work ON billing_allocation (work_key)",
    # The parts of a report's costs are billed each by itself.
    "CREATE INDEX billing_allocation_report ON billing_allocation (split_part(work_key, '/', 1)) "
    "WHERE work_kind = 'expense'",
    "CREATE INDEX billing_allocation_date ON billing_allocation (legal_entity, billed_date)",
    "CREATE TRIGGER billing_allocation_kept BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON billing_allocation FOR EACH STATEMENT EXECUTE FUNCTION stays_for_ever()",
    # What people decided about work that is not billed as it is.
    """
    CREATE TABLE billing_exclusion (
      connection text NOT NULL,
      engagement text NOT NULL,
      period text NOT NULL,
      work_key text NOT NULL,
      made_by text NOT NULL,
      reason text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now(),
      lifted_by text,
      lifted_at timestamptz,
      PRIMARY KEY (connection, engagement, period, work_key)
    )
    """,
    """
    CREATE TABLE billing_write_down (
      connection text NOT NULL,
      engagement text NOT NULL,
      id text NOT NULL,
      body text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, engagement, id)
    )
    """,
    "CREATE TRIGGER billing_write_down_kept BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON billing_write_down FOR EACH STATEMENT EXECUTE FUNCTION stays_for_ever()",
    # How an engagement's period stood when it was looked at last.
    """
    CREATE TABLE readiness (
      connection text NOT NULL,
      engagement text NOT NULL,
      period text NOT NULL,
      legal_entity text NOT NULL,
      ready boolean NOT NULL,
      snapshot_hash text NOT NULL,
      snapshot text NOT NULL,
      assessed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, engagement, period)
    )
    """,
    f"""
    CREATE TABLE readiness_piece (
      connection text NOT NULL,
      engagement text NOT NULL,
      period text NOT NULL,
      ordinal integer NOT NULL,
      work_key text NOT NULL,
      work_kind text NOT NULL,
      revision integer NOT NULL,
      contract_line text,
      project text,
      work_date date NOT NULL,
      seconds bigint NOT NULL,
      amount numeric NOT NULL {_MONEY.format("amount")},
      currency text NOT NULL,
      fund text,
      reason text,
      why text NOT NULL,
      PRIMARY KEY (connection, engagement, period, ordinal)
    )
    """,
    # Every snapshot by which something could be, or was, released: evidence.
    """
    CREATE TABLE readiness_snapshot (
      connection text NOT NULL,
      engagement text NOT NULL,
      period text NOT NULL,
      hash text NOT NULL,
      snapshot text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (connection, engagement, period, hash)
    )
    """,
    "CREATE TRIGGER readiness_snapshot_kept BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON readiness_snapshot FOR EACH STATEMENT EXECUTE FUNCTION stays_for_ever()",
    # What people decided, and what they were answered: a decision that is repeated is done once.
    """
    CREATE TABLE billing_decision (
      id text PRIMARY KEY,
      connection text NOT NULL,
      engagement text NOT NULL,
      period text NOT NULL,
      kind text NOT NULL,
      made_by text NOT NULL,
      request text NOT NULL,
      answer text NOT NULL,
      made_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX billing_decision_period ON billing_decision (connection, engagement, period)",
    "CREATE TRIGGER billing_decision_kept BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON billing_decision FOR EACH STATEMENT EXECUTE FUNCTION stays_for_ever()",
    # Who let an invoice go, by which snapshot; a second person's word may come later.
    """
    CREATE TABLE billing_release (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      connection text NOT NULL,
      engagement text NOT NULL,
      period text NOT NULL,
      snapshot_hash text NOT NULL,
      released_by text NOT NULL,
      released_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT billing_release_once
        UNIQUE (connection, engagement, period, snapshot_hash, released_by)
    )
    """,
    "CREATE TRIGGER billing_release_kept BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON billing_release FOR EACH STATEMENT EXECUTE FUNCTION stays_for_ever()",
)

# What people ask the database itself; the same figures come out of the rules (DOMAIN rules 33, 36).
_MEASURES: Final = (
    """
    CREATE VIEW standing_allocation AS
      SELECT a.* FROM billing_allocation a
      WHERE a.kind = 'written_off' OR EXISTS (
        SELECT FROM source_line e
        WHERE e.connection = a.connection AND e.object = 'billing_event'
          AND e.source_id = a.event_id AND e.status = 'APPROVED'
          AND NOT EXISTS (
            SELECT FROM posting p
            WHERE p.connection = e.connection AND p.object = e.object
              AND p.source_id = e.source_id AND p.revision = e.revision
              AND p.kind = 'invoice' AND p.state = 'WAIVED'))
    """,
    """
    CREATE VIEW wip_posting AS
      SELECT v.project, v.currency, p.posting_date, v.worth AS worth,
             p.waits_for IS NOT NULL AS correction
      FROM posting p JOIN work_value v USING (connection, object, source_id, revision)
      WHERE p.kind IN ('time', 'expense') AND p.leg = 'main'
        AND p.state IN ('POSTED', 'REVERSED', 'DUPLICATE') AND v.billable AND v.worth IS NOT NULL
      UNION ALL
      SELECT v.project, v.currency, b.posting_date, -v.worth, true
      FROM posting b JOIN posting p ON p.key = b.corrects
      JOIN work_value v ON v.connection = p.connection AND v.object = p.object
        AND v.source_id = p.source_id AND v.revision = p.revision
      WHERE b.kind IN ('reversal', 'undo') AND p.leg = 'main' AND b.state = 'POSTED'
        AND p.kind IN ('time', 'expense') AND v.billable AND v.worth IS NOT NULL
    """,
    """
    CREATE VIEW wip_movement AS
      SELECT project, currency, posting_date AS on_date,
             CASE WHEN correction THEN 'corrections' ELSE 'posted' END AS movement, worth AS amount
      FROM wip_posting
      UNION ALL
      SELECT coalesce(project, '-'), worth_currency, billed_date, 'billed', worth
      FROM standing_allocation
      WHERE kind IN ('billed', 'credited', 'write_down')
        AND work_kind IN ('time', 'expense', 'write_down')
      UNION ALL
      SELECT coalesce(project, '-'), worth_currency, billed_date, 'written_off',
             CASE kind WHEN 'write_down' THEN -worth ELSE worth END
      FROM standing_allocation
      WHERE kind IN ('written_off', 'write_down')
        AND work_kind IN ('time', 'expense', 'write_down')
    """,
    """
    CREATE FUNCTION wip_roll_forward(first date, last date)
    RETURNS TABLE (project text, currency text, opening numeric, posted numeric, billed numeric,
                   written_off numeric, corrections numeric, closing numeric)
    LANGUAGE sql STABLE AS $$
      SELECT m.project, m.currency, m.opening, m.posted, m.billed, m.written_off, m.corrections,
             m.opening + m.posted - m.billed - m.written_off + m.corrections
      FROM (
        SELECT project, currency,
          coalesce(sum(CASE WHEN movement IN ('billed', 'written_off') THEN -amount ELSE amount END)
            FILTER (WHERE on_date < first), 0) AS opening,
          coalesce(sum(amount) FILTER (WHERE on_date >= first AND movement = 'posted'), 0)
            AS posted,
          coalesce(sum(amount) FILTER (WHERE on_date >= first AND movement = 'billed'), 0)
            AS billed,
          coalesce(sum(amount) FILTER (WHERE on_date >= first AND movement = 'written_off'), 0)
            AS written_off,
          coalesce(sum(amount) FILTER (WHERE on_date >= first AND movement = 'corrections'), 0)
            AS corrections
        FROM wip_movement WHERE on_date <= last GROUP BY project, currency) m
      ORDER BY m.project, m.currency
    $$
    """,
    # Per project and currency, nothing converted. A prepayment counts as it is drawn, not before.
    """
    CREATE VIEW project_margin AS
      SELECT project, currency, sum(billed) AS billed, sum(wip) AS wip, sum(cost) AS cost,
             sum(billed) + sum(wip) - sum(cost) AS margin
      FROM (
        SELECT coalesce(a.project, '-') AS project, a.currency, a.amount AS billed, 0 AS wip,
               0 AS cost
        FROM standing_allocation a
        WHERE a.kind IN ('billed', 'credited', 'write_down')
          AND a.role IS DISTINCT FROM 'prepayment'
        UNION ALL
        SELECT project, currency, 0,
               CASE WHEN movement IN ('billed', 'written_off') THEN -amount ELSE amount END, 0
        FROM wip_movement
        UNION ALL
        SELECT v.project, v.cost_currency, 0, 0, v.cost
        FROM posting p JOIN work_value v USING (connection, object, source_id, revision)
        WHERE p.kind IN ('time', 'expense') AND p.leg = 'main'
          AND p.state IN ('POSTED', 'DUPLICATE') AND v.cost IS NOT NULL) parts
      GROUP BY project, currency
    """,
    # Approved, billable and not billed; work that is open in several periods stands here once.
    """
    CREATE VIEW unbilled_work AS
      SELECT p.* FROM readiness_piece p
      JOIN (
        SELECT connection, engagement, work_key, max(period) AS period
        FROM readiness_piece GROUP BY connection, engagement, work_key
      ) newest USING (connection, engagement, work_key, period)
      WHERE p.work_kind IN ('time', 'expense')
        AND coalesce(p.reason, '') NOT IN
          ('unapproved', 'changed_after_billing', 'withdrawn_after_billing')
    """,
    """
    CREATE FUNCTION leakage(as_of date, older_than_days integer)
    RETURNS TABLE (engagement text, project text, work_key text, work_date date, age_days integer,
                   seconds bigint, amount numeric, currency text, cause text)
    LANGUAGE sql STABLE AS $$
      SELECT engagement, project, work_key, work_date, as_of - work_date, seconds, amount, currency,
             coalesce(reason, 'ready_not_released')
      FROM unbilled_work WHERE as_of - work_date > older_than_days
      ORDER BY as_of - work_date DESC, amount DESC, work_date, work_key
    $$
    """,
    """
    CREATE VIEW readiness_amount AS
      SELECT connection, engagement, period, coalesce(reason, 'ready') AS reason, currency,
             sum(amount) AS amount, sum(seconds) AS seconds, count(DISTINCT work_key) AS lines
      FROM readiness_piece GROUP BY connection, engagement, period, reason, currency
    """,
)

STATEMENTS: Final = (
    *_POSTINGS,
    *_WORK_PROJECT,
    *_NEWS,
    *_VALUES,
    *_BILLING,
    *_MEASURES,
)
