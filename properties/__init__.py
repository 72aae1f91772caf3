"""The claims, one file a subject; `subjects/` has what a single file of them needs."""
