"""Drawing: what was measured, on logarithmic axes and in tables, for a notebook and for a terminal; it knows no report.

A `Scene` says what there is to be seen, and two files say how: as SVG, and as characters.
"""

from theorychecks.drawing.characters import characters as characters
from theorychecks.drawing.markup import table as table
from theorychecks.drawing.scene import Scene as Scene
from theorychecks.drawing.scene import scene_of as scene_of
from theorychecks.drawing.svg import Picture as Picture
from theorychecks.drawing.svg import picture as picture
