"""A contact centre that does not exist: demand, roster, incidents, the queueing itself, and what a PBX would say of it.

Demand is drawn first and apart from supply: each caller carries patience and handling time from the start, so the same
seed with other staffing or without incidents is the same day met by another centre. Waits and abandonment are never
drawn; they follow (`pool.py`, a Ciw network for each pool of agents).
"""
