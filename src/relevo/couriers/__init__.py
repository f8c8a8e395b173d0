"""Couriers: carry deliveries to their destinations, lane by lane, and record what came of it."""
