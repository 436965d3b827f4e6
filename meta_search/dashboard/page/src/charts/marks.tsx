import { fateOf, FATE_NAMES } from "../fates";

/** The shape of a fate at a place; `size` is about its radius in px. */
export function FateShape({ fate, x, y, size = 5, strong = false }: { fate: string; x: number; y: number; size?: number; strong?: boolean }) {
  const { shape, color } = fateOf(fate);
  const s = strong ? size * 1.5 : size;
  const solid = { fill: color };
  const drawn = { stroke: color, strokeWidth: 2, fill: "none" };
  switch (shape) {
    case "star": return <polygon points={star(x, y, s * 1.35)} style={solid} />;
    case "triangle": return <polygon points={`${x},${y - s} ${x + s},${y + s * 0.8} ${x - s},${y + s * 0.8}`} style={solid} />;
    case "square": return <rect x={x - s * 0.85} y={y - s * 0.85} width={s * 1.7} height={s * 1.7} style={solid} />;
    case "diamond": return <polygon points={`${x},${y - s} ${x + s},${y} ${x},${y + s} ${x - s},${y}`} style={drawn} />;
    case "cross": return <path d={`M${x - s} ${y - s}L${x + s} ${y + s}M${x + s} ${y - s}L${x - s} ${y + s}`} style={drawn} />;
    case "bar": return <path d={`M${x - s / 2} ${y - s}V${y + s}M${x + s / 2} ${y - s}V${y + s}`} style={drawn} />;
    case "ring": return <circle cx={x} cy={y} r={s} style={drawn} />;
    default: return <circle cx={x} cy={y} r={s * 0.85} style={{ ...solid, fillOpacity: 0.75 }} />;
  }
}
function star(x: number, y: number, r: number): string {
  return Array.from({ length: 10 }, (_, at) => {
    const [angle, far] = [(Math.PI / 5) * at - Math.PI / 2, at % 2 ? r * 0.45 : r];
    return `${(x + far * Math.cos(angle)).toFixed(1)},${(y + far * Math.sin(angle)).toFixed(1)}`;
  }).join(" ");
}

/** What the marks of a figure mean; one that is turned off is not drawn. */
export function FateLegend({ present, off, onToggle }: { present: ReadonlySet<string>; off: readonly string[]; onToggle: (fate: string) => void }) {
  return (
    <div className="legend" role="group" aria-label="What the marks mean; turn one off to hide it">
      {FATE_NAMES.filter((fate) => present.has(fate)).map((fate) => (
        <button key={fate} type="button" aria-pressed={!off.includes(fate)} title={fateOf(fate).says} onClick={() => onToggle(fate)}>
          <svg width={16} height={14} aria-hidden="true"><FateShape fate={fate} x={8} y={7} size={4.5} /></svg>
          {fate}
        </button>
      ))}
    </div>
  );
}
