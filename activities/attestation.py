"""Attestation: whether the ERP shows exactly what was sent."""

from canonical.posting import PostedDocument, PostingIntent


def agrees(intent: PostingIntent, document: PostedDocument) -> bool:
    """Compare field by field; the note is for people, and an ERP may cut it."""
    sent, shown = intent.body, document.body
    return (
        sent.legal_entity == shown.legal_entity
        and sent.employee == shown.employee
        and sent.task == shown.task
        and sent.work_date == shown.work_date
        and sent.seconds == shown.seconds
    )
