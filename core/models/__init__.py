"""Pure ``nn.Module``s: graph convolutions, temporal attention, the lifter. No I/O."""
