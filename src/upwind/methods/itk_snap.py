"""ITK-SNAP's level set with a simulated operator, the paper's first column."""

from upwind.methods.method import OPERATED_CASES, Column, Method

METHOD = Method(
    key="itk_snap",
    title="ITK-SNAP",
    order=10,
    knows="CT and ground truth: region of interest, bubble, choice of the parameters, when to stop",
    has="nothing",
    colour="#666633",
    columns=(Column("itk_snap", "ITK-SNAP"),),
    cases=OPERATED_CASES,
)
