"""The same level set on patients whose label nobody looks at."""

from upwind.methods.method import OPERATED_CASES, Method

METHOD = Method(
    key="itk_snap_blind",
    title="ITK-SNAP, blind",
    order=20,
    knows="CT",
    has="place and size of the bubble, size of the region of interest, parameters, when to stop",
    colour="#225555",
    by_fold=True,
    cases=OPERATED_CASES,
)
