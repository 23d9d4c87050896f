"""Training: motion, bodies, cameras and detector-like noise on one side, the loop on the other."""
