"""The invariants of POSTING.md section 3, checked from dumps alone; see `snapshot` for their use.

Nothing here shares code with the product: a defect must not hide the violation that it causes.
"""
