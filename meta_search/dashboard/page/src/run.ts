/** What a view of a run may want to know of the run itself. */
import type { RunRow, Runs } from "./api";
import { api, useView } from "./data";

/**
 * The run's row (name, state, limits), and whether this server lets a person steer. The row of the overview is
 * never older than the last change that the page heard of; that of the table of runs may be, but comes first.
 */
export function useRun(run: string): { row?: RunRow; steer: boolean } {
  const { data } = useView<Runs>(run ? "/api/runs" : null);
  const overview = useView<{ run: RunRow }>(run ? api(run, "overview") : null).data;
  return { row: overview?.run ?? data?.runs.find((row) => row.id === run), steer: data?.steer ?? false };
}
