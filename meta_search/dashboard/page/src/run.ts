/** What a view of a run may want to know of the run itself. */
import type { RunRow, Runs } from "./api";
import { useView } from "./data";

/** The run's row of the table of runs (name, state, limits), and whether this server lets a person steer. */
export function useRun(run: string): { row?: RunRow; steer: boolean } {
  const { data } = useView<Runs>(run ? "/api/runs" : null);
  return { row: data?.runs.find((row) => row.id === run), steer: data?.steer ?? false };
}
