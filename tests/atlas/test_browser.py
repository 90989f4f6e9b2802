"""The atlas in headless Chromium: offline, by keyboard, for screen readers, at two window sizes."""

import pytest

WINDOWS = [(1280, 800), (390, 844)]
ROWS = "[...document.querySelectorAll('nav tbody:not([hidden])')].map(b => +b.dataset.layer)"
CLUSTERS = "document.querySelectorAll('nav tbody:not([hidden]) .of-cluster:not([hidden])').length"
FOCUS = "document.activeElement.id || document.activeElement.getAttribute('href')"
SHOWN = "[...document.querySelectorAll('.layer')].filter(s => s.offsetParent).map(s => s.id)"
FOUND = "document.querySelector('#found').textContent"


@pytest.fixture
def opened(browser, atlas):
    browser.open(atlas)
    return browser


@pytest.mark.parametrize(("width", "height"), WINDOWS)
@pytest.mark.parametrize("dark", [False, True])
def test_opens_offline_without_a_complaint_and_fits_the_window(browser, atlas, width, height, dark):
    browser.open(atlas, width, height, dark)
    for layer in (1, 6, 10):
        browser.run(f"location.hash = 'layer-{layer}'")
        browser.run("new Promise(requestAnimationFrame)")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        outside = """[...document.querySelectorAll('nav *, .layer *')].filter(e =>
          e.offsetParent && !e.closest('.sheet') && !e.matches('caption')
          && e.getBoundingClientRect().right > innerWidth).length"""
        assert browser.run(outside) == 0
        inside = """[...document.querySelectorAll('nav, .cluster, .sheet')].filter(e =>
          e.offsetParent && e.scrollWidth > e.clientWidth).map(e => e.className || e.tagName)"""
        assert browser.run(inside) == []
    said, asked = browser.complaints()
    assert said == []
    assert asked == [atlas.as_uri()]
    ground = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 150) == dark


def test_kernels_drawn_are_those_of_the_table(opened, made):
    for layer, rows in made.kernels.groupby("layer"):
        opened.run(f"location.hash = 'layer-{layer}'")
        opened.run("new Promise(requestAnimationFrame)")
        drawn = opened.run(
            f"[...document.querySelectorAll('#layer-{layer} canvas')].map(c => +c.dataset.drawn)"
        )
        assert drawn == rows.groupby("cluster").size().tolist()
        # What is not transparent are 9 pixels for each kernel.
        inked = opened.run(f"""[...document.querySelectorAll('#layer-{layer} canvas')].map(c =>
          c.getContext('2d').getImageData(0, 0, c.width, c.height).data
          .filter((v, i) => i % 4 === 3 && v === 255).length)""")
        assert inked == [9 * count for count in drawn]


def test_a_kernel_is_told_in_numbers(opened, made):
    rows = made.kernels[(made.kernels["layer"] == 1) & (made.kernels["cluster"] == 2)]
    weights = rows[[f"w{n}" for n in range(9)]].to_numpy()
    far = ((weights - weights.mean(axis=0)) ** 2).sum(axis=1)
    nearest = rows.iloc[far.argmin()]
    opened.run("document.querySelector('#layer-1 [data-cluster=\"2\"] input').focus()")
    opened.run("document.activeElement.select()")
    opened.type("1")
    said = opened.run("document.querySelector('#layer-1 [data-cluster=\"2\"] output').textContent")
    assert said.startswith(f"Kernel {int(nearest['kernel'])} of the layer")
    assert f"to output channel {int(nearest['out_channel'])} " in said
    first = f"{nearest['w0']:.3f}".replace("-", "−")
    assert f"row by row: {first}, " in said


@pytest.mark.parametrize(
    ("typed", "layers"),
    [
        ("1", [1]),
        ("10", [10]),
        ("layer 3", [3]),
        ("2-4", [2, 3, 4]),
        ("decoder", [7, 8, 9, 10]),
        ("Encoder 2-3", [2, 3]),
        ("BOTTLE", [5, 6]),
        ("nowhere", []),
    ],
)
def test_search(opened, typed, layers):
    opened.press("/")
    assert opened.run(FOCUS) == "search"
    opened.type(typed)
    assert opened.run(ROWS) == layers
    assert opened.run(FOUND).startswith(
        f"{len(layers)} of 10 layers and {opened.run(CLUSTERS)} of 30 clusters"
    )
    opened.press("Escape")
    assert len(opened.run(ROWS)) == 10


def test_filters_by_part_and_by_derivative(opened):
    opened.run("part.value = 'bottleneck'; part.dispatchEvent(new Event('input'))")
    assert opened.run(ROWS) == [5, 6]
    opened.run("part.value = ''; order.value = '1'; order.dispatchEvent(new Event('input'))")
    count = opened.run(CLUSTERS)
    assert 0 < count < 30
    assert count == opened.run("document.querySelectorAll('.of-cluster[data-order=\"1\"]').length")
    opened.click("nav button[type=reset]")
    opened.run("new Promise(done => setTimeout(done, 20))")
    assert opened.run(CLUSTERS) == 30


@pytest.mark.parametrize("key", ["kernels", "effect", "silhouette"])
def test_sorting(opened, key):
    values = f"[...document.querySelectorAll('nav tbody')].map(b => +b.dataset.{key})"
    within = f"""[...document.querySelectorAll('nav tbody')].map(b =>
      [...b.querySelectorAll('.of-cluster')].map(r => +r.dataset.{key}))"""
    states = []
    for _ in range(2):
        opened.click(f"[data-key={key}]")
        states.append(opened.run("document.querySelector('th[aria-sort]').ariaSort"))
        descending = states[-1] == "descending"
        for found in (opened.run(values), *opened.run(within)):
            assert found == sorted(found, reverse=descending)
    assert sorted(states) == ["ascending", "descending"]
    assert opened.run("document.querySelectorAll('th[aria-sort]').length") == 1
    assert "first" in opened.run(FOUND)
    opened.click("[data-key=layer]")
    assert opened.run(ROWS) == list(range(1, 11))


def test_by_keyboard_alone(opened):
    opened.press("Tab")
    assert opened.run(FOCUS) == "#details"  # the way past the list
    opened.press("/")
    opened.type("decoder")
    opened.press("ArrowDown")
    assert opened.run(FOCUS) == "#layer-7"
    opened.press("ArrowDown", "ArrowDown", "ArrowUp")
    assert opened.run(FOCUS) == "#layer-8"
    outline = opened.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus can be seen"
    opened.press("Enter")
    opened.run("new Promise(done => setTimeout(done, 50))")
    assert opened.run(SHOWN) == ["layer-8"]
    assert opened.run(FOCUS) == "layer-8"
    current = "document.querySelector('nav [aria-current]').getAttribute('href')"
    assert opened.run(current) == "#layer-8"
    opened.press("Escape")
    assert opened.run(FOCUS) == "#layer-8"
    opened.press("ArrowUp", "ArrowUp")
    assert opened.run(FOCUS) == "search"
    opened.press("/")
    assert opened.run("search.value") == "decoder/"  # in the field it is a letter


def test_a_question_mark_explains_and_escape_closes(opened):
    opened.run("document.querySelector('#layer-1 [popovertarget=why-silhouette]').focus()")
    opened.press("Enter")
    shown = "document.querySelector('.explanation:popover-open')?.textContent ?? ''"
    assert "from −1 to 1" in opened.run(shown)
    opened.press("Escape")
    assert opened.run(shown) == ""
    assert opened.run("document.activeElement.getAttribute('popovertarget')") == "why-silhouette"


def test_outlines_can_be_taken_away(opened):
    drawn = "getComputedStyle(document.querySelector('#layer-1 .outline')).display"
    assert opened.run(drawn) != "none"
    opened.click("#outlines")
    assert opened.run(drawn) == "none"


def test_whatever_can_be_used_has_a_name(opened):
    names = opened.names()
    used = ("button", "link", "searchbox", "combobox", "checkbox", "spinbutton", "image", "table")
    nameless = [role for role, name in names if role in used and not name.strip()]
    assert nameless == []
    roles = [role for role, _ in names]
    for role in ("main", "navigation", "search", "banner"):
        assert roles.count(role) == 1, role
    assert "status" in roles
    assert ("searchbox", "Search") in names
    assert ("link", "Layer 7") in names
    assert roles.count("rowheader") >= 30
    assert any(r == "image" and "What cluster 2 adds in layer 1" in name for r, name in names)


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_what_is_pressed_is_large_enough(browser, atlas, width, height):
    """WCAG 2.2, level AA: 24 pixels."""
    browser.open(atlas, width, height)
    small = browser.run("""[...document.querySelectorAll('button, input, select')]
      .filter(e => e.offsetParent && e.type !== 'checkbox')
      .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
      .filter(([, r]) => r.width < 24 || r.height < 24).map(([html]) => html)""")
    assert small == []


def test_without_scripts_the_layers_can_be_read(browser, atlas):
    browser.open(atlas, scripts=False)
    names = browser.names()
    assert {("link", f"Layer {n}") for n in range(1, 11)} <= set(names)
    assert any(role == "columnheader" and "Silhouette" in name for role, name in names)
    assert not any(role == "searchbox" for role, _ in names)
    assert any("Scripts are off" in name for _, name in names)
