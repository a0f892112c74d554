"""The support tree: billing and sales requests in customers' own words, worked on a real SQLite database.

money, records, errors     amounts and their words; the values that everything here is about; refusals
database, schema.sql       a connection, transactions; the tables, and what guards them
store                      every question to the database, every write to it
periods                    billing periods, and what a part of one costs
payments, catalogue        the rules of the business: duplicates, refunds; plans, changes, cancellations
people, seed               who the customers are; the database made at first run
vocabulary, words          one spelling for each meaning
clauses, mentions,
patterns, readings         a message taken apart, and what each part says
intents, language          what can be asked for, as data; what a message asks for
answers                    sentences for customers
claims, schemas            what an answer claims, against what was done; what a worker hands in
desks, workers, triage     the actors: who owns the books, who works, who is in front
rules, audit               who answers where a worker cannot; who holds answers against the books
ledger, honesty, checks    what is in the files, read from outside; what has to be true whatever goes wrong
tree.yaml                  how they stand together, and what is done where one of them fails
chaos.yaml                 all that can go wrong, at once
"""
