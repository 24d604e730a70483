"""Draw masks from annotations: LabelMe, COCO, Pascal VOC, YOLO and CVAT, one module each.

Pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). A box marks the pixels between its
edges, so that its area is width times height in COCO, and (xmax - xmin) (ymax - ymin) in Pascal VOC
and CVAT; the edges of YOLO's boxes are rounded to pixels. A polygon marks the pixels on its outline
too. Boxes are drawn filled: metrics then count the ground inside a box as a defect. CVAT's rotated
boxes and ellipses are polygons.
"""
