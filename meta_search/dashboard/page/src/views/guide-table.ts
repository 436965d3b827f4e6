// The trials of a study as a table: its order, and what a cell says.

export type Value = string | number | null;

export interface Sorting {
  column: number;
  descending: boolean;
}

const words = new Intl.Collator("en", { numeric: true });

/** Rows in the order asked for; what is not known comes last either way. */
export function sorted(rows: readonly Value[][], sorting: Sorting | null): Value[][] {
  if (!sorting) return [...rows];
  const { column, descending } = sorting;
  const sign = descending ? -1 : 1;
  return rows
    .map((row, place) => ({ row, place }))
    .sort((a, b) => {
      const x = a.row[column] ?? null;
      const y = b.row[column] ?? null;
      if (x === null || y === null) return x === y ? a.place - b.place : x === null ? 1 : -1;
      const way =
        typeof x === "number" && typeof y === "number" ? x - y : words.compare(String(x), String(y));
      return sign * way || a.place - b.place;
    })
    .map(({ row }) => row);
}

/** A header clicked: largest first, then smallest first, then as the study has it. */
export function clicked(sorting: Sorting | null, column: number): Sorting | null {
  if (sorting?.column !== column) return { column, descending: true };
  return sorting.descending ? { column, descending: false } : null;
}

export function shown(value: Value): string {
  if (value === null) return "–";
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return value.toLocaleString("en", { useGrouping: Math.abs(value) > 99_999 });
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e6) ? value.toPrecision(3) : String(Number(value.toFixed(4)));
}
