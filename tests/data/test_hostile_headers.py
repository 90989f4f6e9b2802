"""NIfTI files with other bytes in their headers: the check ends, and what it accepts is sound."""

import gzip
import math

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import tries
from upwind.data.check import check_case
from upwind.data.naming import CaseFiles

SHAPE = (8, 8, 6)
AFFINE = np.diag([-0.8, -0.8, 2.5, 1.0])
# Where fields of a NIfTI-1 header begin that a reader uses, and how long they are.
FIELDS = {"sizeof_hdr": (0, 4), "dim": (40, 16), "datatype": (70, 2), "bitpix": (72, 2)}
FIELDS |= {"pixdim": (76, 32), "vox_offset": (108, 4), "scl_slope": (112, 4)}
FIELDS |= {"scl_inter": (116, 4), "xyzt_units": (123, 1), "codes": (252, 4), "qform": (256, 24)}
FIELDS |= {"sform": (280, 48), "magic": (344, 4), "extension": (348, 4)}
ODD = (0.0, -0.0, 1e36, -1e36, 1e-36, math.nan, math.inf, -1.0, 352.0, 100.0, 2.0**31)


def volumes():
    """A CT and its label."""
    hu = np.full(SHAPE, -1000, np.int16)
    hu[1:7, 1:7] = 40
    label = np.zeros(SHAPE, np.uint8)
    label[2:6, 2:6, 1:5] = 1
    hu[label > 0] = 110
    return hu, label


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a sound case, and a folder for others."""
    folder = tmp_path_factory.mktemp("headers")
    contents = []
    for name, array in zip(("volume", "segmentation"), volumes(), strict=True):
        nib.save(nib.Nifti1Image(array, AFFINE), folder / f"{name}-1.nii")
        contents.append((folder / f"{name}-1.nii").read_bytes())
    return folder, contents


@st.composite
def changes(draw):
    """Bytes to put somewhere into a header, or a length to cut or stretch a file to."""
    field, length = draw(st.sampled_from(list(FIELDS.values())))
    begin = field + 4 * draw(st.integers(0, max(0, length // 4 - 1)))
    number = draw(st.sampled_from(ODD))
    with np.errstate(over="ignore"):
        word = np.float32(number).tobytes()
    whole = draw(st.integers(-(2**15), 2**15 - 1)).to_bytes(2, "little", signed=True)
    return begin, draw(st.sampled_from([word, whole, draw(st.binary(min_size=1, max_size=4))]))


@tries(150)
@given(
    which=st.integers(0, 1),
    changed=st.lists(changes(), min_size=1, max_size=3),
    size=st.sampled_from([None, None, None, 100, 351, 352, 700, 5000]),
    packed=st.booleans(),
)
def test_any_bytes_in_a_header(good, which, changed, size, packed):
    folder, contents = good
    paths = []
    for number, (name, content) in enumerate(zip(("volume", "label"), contents, strict=True)):
        edited = bytearray(content)
        if number == which:
            for begin, text in changed:
                edited[begin : begin + len(text)] = text
            if size is not None:
                edited = edited[:size] + bytes(max(0, size - len(edited)))
        path = folder / f"{name}-1.nii{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(edited, 1) if packed else edited)
        paths.append(path)
    report = check_case(CaseFiles(1, *paths))
    if report.errors:
        assert all(error.isprintable() for error in report.errors)
        return
    assert len(report.shape) == 3
    assert all(0.2 <= size <= 20 for size in report.spacing)
    assert -32_768 <= report.hu_min < report.hu_max <= 32_768
    assert report.liver_slices >= 1
