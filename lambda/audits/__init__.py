"""Audits: what the input of one may say, and which bins and which model it is about."""
