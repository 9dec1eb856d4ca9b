"""The analyst's and the operator's pages: server-rendered, whole without JavaScript, better with it.

overview.py    how the service does now
expenses.py    what was spent: chart, table, downloads
invoices.py    search;  invoice.py  one invoice: its text, its revisions, its acts
rejections.py  what did not become a row;  rejection.py  one of them, and acts on one or many
upload.py      documents straight into the source bucket, and what becomes of them
reports.py     every report with its parameters
people.py      login, one-time links, the account
urls.py        the addresses; api/access.py says who may see which

The rest is what they share: answers.py (queries that are cached, polled and cancelled), charts.py
(geometry), frame.py (what stands around every page), tags.py (values as people read them).
All state of a page is in its URL. Pages hold no rules: what they show they ask of `wiring`.
"""
