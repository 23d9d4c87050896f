"""How good the lifter is: metrics, and what they are measured on."""
