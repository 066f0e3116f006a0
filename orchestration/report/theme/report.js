// Draws the charts of the page. Colours come from the page's CSS, so the theme may change at any time.
const specs = JSON.parse(document.getElementById("specs").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const root = document.documentElement;

async function draw(id, spec) {
  const place = document.getElementById(id);
  try {
    await window.vegaEmbed(place, spec, {
      actions: false,
      renderer: "svg",
      tooltip: { theme: dark ? "dark" : "light" },
    });
    return 1;
  } catch (error) {
    place.textContent = "This chart could not be drawn; its figures stand below.";
    console.error(error);
    return 0;
  }
}

const drawn = await Promise.all(Object.entries(specs).map(([id, spec]) => draw(id, spec)));
root.dataset.charts = String(drawn.reduce((sum, one) => sum + one, 0));
root.dataset.ready = "true";
