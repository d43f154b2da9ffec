"""Faces removed from whole-head images; every other voxel stays as it was, bit for bit.

removal         images without their faces, those of one acquisition by one mask
looking         what an image shows of a face, and the gates that it passes
registration    niimath lays it on pydeface's average head
average         that head, and where its face, eyes and brow are
grids           arrays with an affine, shading evened out, the head by its own surface
voxels          the bytes of a file that become zero
"""

from coil.deid.deface.removal import DefaceResult, deface, deface_together

__all__ = ["DefaceResult", "deface", "deface_together"]
