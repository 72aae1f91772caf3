"""Diagnosis."""
class Diagnosis:
    pass
def diagnose(*a): return None
