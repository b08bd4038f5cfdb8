"""Who answers: the seam for a model, what it is asked, and those that come with the simulator.

A model says pieces; what becomes of them on the wire is the rules'. No socket, no clock.
"""
