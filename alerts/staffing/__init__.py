"""Agents and callers as a queue: how many agents a load needs, what follows from too few, and why a figure is off.

Plain functions of figures, without a clock and without state. ``special`` has the mathematics, ``erlang`` the two
models (Erlang C and Erlang A), ``needed`` asks them backwards, ``recovery`` says how long a backlog lasts, ``why``
splits a gap into causes.
"""
