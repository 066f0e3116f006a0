"""Zendesk Support: tickets, their history, comments, people and ratings."""
