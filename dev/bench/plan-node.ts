/** A step of a plan, as `explain (analyze, format json)` prints it. */
import * as v from 'valibot'

export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name': string
  readonly 'Index Name': string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter': number
  readonly 'Rows Removed by Index Recheck': number
  readonly Plans: readonly PlanNode[]
}

export const planNode: v.GenericSchema<unknown, PlanNode> = v.object({
  'Node Type': v.string(),
  'Relation Name': v.optional(v.string(), ''),
  'Index Name': v.optional(v.string(), ''),
  'Actual Rows': v.number(),
  'Actual Loops': v.number(),
  'Rows Removed by Filter': v.optional(v.number(), 0),
  'Rows Removed by Index Recheck': v.optional(v.number(), 0),
  Plans: v.optional(v.array(v.lazy(() => planNode)), () => []),
})
