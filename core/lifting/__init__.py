"""From 2D tracks to 3D poses, in batches within a memory budget."""
