/** One part of the report: what it measures, and how that is shown. */
export interface Part<Data> {
  /** Its name in the JSON. */
  readonly name: string;
  /** Measurements it consists of, and about how many seconds each takes: for the time left. */
  readonly units: number;
  readonly secondsPerUnit: number;
  /** Calls `done` after each unit. */
  measure(signal: AbortSignal, done: (unit: string) => void): Promise<Data>;
  show(data: Data): Section;
}

/** What a reader sees of a part. */
export interface Section {
  readonly title: string;
  /** What was measured, what it is held against, and what to see in it. */
  readonly text: readonly string[];
  readonly checks: readonly Check[];
  readonly charts: readonly Chart[];
  readonly tables: readonly Table[];
}

/** A goal and how near it is. */
export interface Check {
  readonly what: string;
  readonly measured: string;
  /** The limit of the machine in the same run. */
  readonly limit: string;
  readonly goal: string;
  readonly met: boolean;
}

export interface Axis {
  readonly label: string;
  readonly log?: boolean;
}

export interface Series {
  readonly name: string;
  /** Ascending in x. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Limits and models are drawn as broken lines. */
  readonly broken?: boolean;
  /** Lines of one colour belong together. */
  readonly colour: number;
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Places on the x axis with a vertical line. */
  readonly marks?: readonly number[];
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}
