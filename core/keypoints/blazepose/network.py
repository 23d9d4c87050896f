"""A TensorFlow Lite graph as one PyTorch module, for any number of pictures at once."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from core.errors import AssetCorrupt
from core.keypoints.blazepose.graph import Graph
from core.keypoints.blazepose.layers import make_layer


class GraphNetwork(nn.Module):
    """Computes some outputs of a graph; what they do not need is left out.

    Args:
        graph: as read from the file.
        outputs: numbers of the wanted tensors.

    Raises:
        AssetCorrupt: the graph is not one of a pose network.

    Shape: pictures ``(B, 3, side, side)`` to the outputs in their order; outputs that are pictures
    come as ``(B, C, H, W)``.
    """

    def __init__(self, graph: Graph, outputs: Sequence[int]) -> None:
        super().__init__()
        self.side = graph.shapes[graph.input][1]
        self._input, self._outputs = graph.input, tuple(outputs)
        nodes = graph.leading_to(outputs)
        self.layers = nn.ModuleList(make_layer(graph, node) for node in nodes)
        self._steps: list[tuple[tuple[int, ...], int, tuple[int, ...]]] = []
        made = {graph.input}
        for node in nodes:
            reads = tuple(number for number in node.inputs if number not in graph.constants)
            if not made.issuperset(reads):
                raise AssetCorrupt("The pose network reads what nothing computes.")
            made.add(node.output)
            self._steps.append((reads, node.output, ()))
        self._forget_early()

    def forward(
        self, pictures: Float[Tensor, "batch 3 side side"]
    ) -> tuple[Float[Tensor, "batch ..."], ...]:
        values = {self._input: pictures}
        for layer, (reads, makes, last_use) in zip(self.layers, self._steps, strict=True):
            values[makes] = layer(*(values[number] for number in reads))
            for number in last_use:
                del values[number]
        return tuple(values[number] for number in self._outputs)

    def _forget_early(self) -> None:
        """Note with each step what nobody reads after it, so that memory stays small."""
        still_read = set(self._outputs)
        for place in reversed(range(len(self._steps))):
            reads, makes, _ = self._steps[place]
            self._steps[place] = (reads, makes, tuple(set(reads) - still_read))
            still_read.update(reads)
