// A drawn graph with places given. Colours come from the theme's custom properties, so that both themes hold.
import cytoscape from "cytoscape";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { FateLook } from "../fates";
import { Button } from "../ui";
import { cut, inTwoLines } from "./labels";
import { show } from "./changes";

type Shape = FateLook["shape"];
export interface GraphNode { id: string; label: string; x: number; y: number; colour: string; shape: Shape; hollow: boolean; strong: boolean; size?: number }
export interface GraphEdge { from: string; to: string; strong: boolean; dashed: boolean; width?: number; label?: string }
interface Props { nodes: GraphNode[]; edges: GraphEdge[]; label: string; selected?: string; onOpen?(id: string): void; tall?: boolean }

// Cytoscape adds a style element without a nonce unless one of this id is there: our style sheet holds its one rule.
const STYLE_ID = "__________cytoscape_stylesheet";

/** The theme's colours as they are now, each read once. */
function palette(): (name: string) => string {
  const theme = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (name) => {
    const colour = known.get(name) ?? (theme.getPropertyValue(name).trim() || "gray");
    known.set(name, colour);
    return colour;
  };
}

// Shapes that Cytoscape has no name for, as corners in a square of −1 to 1.
const CORNERS: Partial<Record<Shape, string>> = {
  cross: "-1 -0.6 -0.6 -1 0 -0.4 0.6 -1 1 -0.6 0.4 0 1 0.6 0.6 1 0 0.4 -0.6 1 -1 0.6 -0.4 0",
  bar: "-0.9 -1 -0.25 -1 -0.25 0.98 0.25 0.98 0.25 -1 0.9 -1 0.9 1 -0.9 1",
};
const FORMS: Record<Shape, string> = { star: "star", triangle: "triangle", square: "rectangle", diamond: "diamond", circle: "ellipse", ring: "ellipse", cross: "polygon", bar: "polygon" };

function styles(curve: "bezier" | "straight"): cytoscape.StylesheetJson {
  const colour = palette();
  const text = colour("--text");
  return [
    {
      selector: "node",
      style: {
        width: "data(size)", height: "data(size)", label: "data(label)", color: text, "font-size": 11, "font-family": "system-ui, sans-serif",
        "text-valign": "bottom", "text-halign": "center", "text-margin-y": 3, "min-zoomed-font-size": 7, "text-wrap": curve === "bezier" ? "wrap" : "none", "text-max-width": "400px",
        "text-background-color": colour("--back"), "text-background-opacity": 0.85,
        shape: "data(form)", "background-color": "data(fill)", "background-opacity": "data(opacity)", "border-color": "data(fill)", "border-width": 2,
      },
    },
    ...Object.entries(CORNERS).map(([shape, corners]) => ({ selector: `node[shape = "${shape}"]`, style: { "shape-polygon-points": corners, "border-width": 0 } })),
    { selector: "node[?strong]", style: { "font-weight": "bold" } },
    {
      selector: "edge",
      style: { width: "data(width)", "line-color": "data(ink)", "target-arrow-color": "data(ink)", "line-style": "data(dash)", "target-arrow-shape": "triangle", "arrow-scale": 0.7, "curve-style": curve, label: "data(label)", color: text, "font-size": 10, "text-background-color": colour("--back"), "text-background-opacity": 0.9, "min-zoomed-font-size": 7 },
    },
    { selector: "node:selected, node.chosen", style: { "underlay-color": colour("--accent"), "underlay-opacity": 0.35, "underlay-padding": 5 } },
  ] as cytoscape.StylesheetJson;
}

/** Lines that bend around each other, and labels of two lines, cost much where there are many. */
const curveFor = (edges: number) => (edges > 150 ? "straight" : "bezier");

// Everything that differs is data of its element: a selector or a function for each would cost seconds where there are many.
function elements(nodes: GraphNode[], edges: GraphEdge[]): cytoscape.ElementDefinition[] {
  const colour = palette();
  const label = curveFor(edges.length) === "bezier" ? inTwoLines : cut;
  const seen = new Map<string, number>();
  const idOf = ({ from, to }: GraphEdge) => {
    const pair = `e:${from}>${to}`;
    seen.set(pair, (seen.get(pair) ?? 0) + 1);
    return `${pair}#${seen.get(pair)}`; // a team's member may feed another one twice
  };
  return [
    ...nodes.map((node) => ({
      group: "nodes" as const, position: { x: node.x, y: node.y },
      data: { id: `n:${node.id}`, agent: node.id, label: label(node.label), size: node.size ?? (node.strong ? 20 : 16), strong: node.strong, shape: node.shape, form: FORMS[node.shape], fill: colour(node.colour), opacity: node.hollow ? 0.12 : 1 },
    })),
    ...edges.map((edge) => ({
      group: "edges" as const,
      data: { id: idOf(edge), source: `n:${edge.from}`, target: `n:${edge.to}`, width: edge.strong ? 3 : (edge.width ?? 1.2), label: edge.label ?? "", ink: colour(edge.strong ? "--accent" : "--line-strong"), dash: edge.dashed ? "dashed" : "solid" },
    })),
  ];
}

export default function Graph({ nodes, edges, label, selected, onOpen, tall }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const graph = useRef<cytoscape.Core | null>(null);
  const open = useRef(onOpen);
  open.current = onOpen;
  const [left, setLeft] = useState(0); // elements that are not drawn yet
  const drawn = useRef({ nodes, edges });
  drawn.current = { nodes, edges };

  useEffect(() => {
    if (!box.current) return;
    if (!document.getElementById(STYLE_ID)) {
      const stand = document.createElement("meta");
      stand.id = STYLE_ID;
      document.head.append(stand);
    }
    const cy = cytoscape({ container: box.current, style: styles("straight"), layout: { name: "preset" }, minZoom: 0.05, maxZoom: 3, boxSelectionEnabled: false, autoungrabify: true, hideEdgesOnViewport: true, textureOnViewport: false });
    graph.current = cy;
    cy.on("tap", "node", (event) => open.current?.((event.target as cytoscape.NodeSingular).data("agent") as string));
    cy.on("mouseover", "node", () => box.current?.classList.toggle("x-point", Boolean(open.current)));
    cy.on("mouseout", "node", () => box.current?.classList.remove("x-point"));
    const restyle = () => {
      cy.style(styles(curveFor(drawn.current.edges.length)));
      void show(cy, elements(drawn.current.nodes, drawn.current.edges), () => graph.current === cy);
    };
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", restyle);
    const switched = new MutationObserver(restyle);
    switched.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
    const resized = new ResizeObserver(() => cy.resize());
    resized.observe(box.current);
    return () => {
      scheme.removeEventListener("change", restyle);
      switched.disconnect();
      resized.disconnect();
      cy.destroy();
      graph.current = null;
    };
  }, []);

  useEffect(() => {
    const cy = graph.current;
    if (!cy) return;
    const first = cy.elements().empty();
    const curve = curveFor(edges.length);
    if (cy.scratch("curve") !== curve) cy.style(styles(curve));
    cy.scratch("curve", curve);
    // A graph that grows while one looks keeps its place; the first one is fitted, but never to specks.
    if (first) fit(cy, nodes);
    let current = true;
    void show(cy, elements(nodes, edges), () => current && graph.current === cy, setLeft);
    return () => {
      current = false;
    };
  }, [nodes, edges]);

  useEffect(() => {
    const cy = graph.current;
    cy?.nodes().removeClass("chosen");
    if (selected) cy?.getElementById(`n:${selected}`).addClass("chosen");
  }, [selected, nodes, left]);

  const zoom = (factor: number) => graph.current?.zoom({ level: graph.current.zoom() * factor, renderedPosition: { x: graph.current.width() / 2, y: graph.current.height() / 2 } });
  const onKeyDown = (event: KeyboardEvent) => {
    const cy = graph.current;
    if (!cy || event.ctrlKey || event.metaKey || event.altKey) return;
    const step: Record<string, [number, number]> = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const move = step[event.key];
    if (move) cy.panBy({ x: move[0], y: move[1] });
    else if (event.key === "+" || event.key === "=") zoom(1.3);
    else if (event.key === "-") zoom(1 / 1.3);
    else if (event.key === "0" || event.key === "f") cy.fit(undefined, 24);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="x-graph">
      <div className="x-graph-tools">
        <Button onClick={() => zoom(1.3)} title="Zoom in (+)">+<span className="hidden"> zoom in</span></Button>
        <Button onClick={() => zoom(1 / 1.3)} title="Zoom out (−)">−<span className="hidden"> zoom out</span></Button>
        <Button onClick={() => graph.current?.fit(undefined, 24)} title="Show all (0)">Show all</Button>
      </div>
      {left > 0 && <p className="x-drawing" role="status">Drawing…</p>}
      <div ref={box} className={tall ? "x-canvas x-tall" : "x-canvas"} tabIndex={0} role="group" aria-label={`${label} Keys: plus and minus zoom, 0 shows all, arrows move.`} onKeyDown={onKeyDown} />
    </div>
  );
}

const START = 0.75;

/** All of it, where one can read it then; by places alone, as Cytoscape would measure every label. */
function fit(cy: cytoscape.Core, nodes: GraphNode[]) {
  const [left, right] = [Math.min(...nodes.map((node) => node.x)) - 75, Math.max(...nodes.map((node) => node.x)) + 75];
  const [top, bottom] = [Math.min(...nodes.map((node) => node.y)) - 25, Math.max(...nodes.map((node) => node.y)) + 40];
  const whole = Math.min(1.2, cy.width() / (right - left), cy.height() / (bottom - top));
  if (whole >= 0.35) {
    cy.viewport({ zoom: whole, pan: { x: (cy.width() - whole * (left + right)) / 2, y: (cy.height() - whole * (top + bottom)) / 2 } });
    return;
  }
  // Too many for one look: begin at the top left, where the seeds and the path to the best are, at a size one can read.
  cy.viewport({ zoom: START, pan: { x: 8 - START * left, y: 8 - START * top } });
}
