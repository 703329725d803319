/** Describes a problem in the chosen language, with the switch that causes it. */
import type { Problem } from '../../../../miniprogram/pay.ts'
import { useTexts } from '../../base/language.tsx'
import { problemOf } from './describe.ts'
import { problemTexts } from './texts.ts'

/** The local world begins `detail` with the faults that are switched on. */
const SWITCHED_ON = /^\(Switched on at \/world\/switches: (.+?)\.\)/

export function useProblem(): (problem: Problem) => string {
  const say = useTexts(problemTexts)
  return (problem) => {
    const { key, values } = problemOf(problem)
    const fault = SWITCHED_ON.exec(problem.detail)?.[1]
    return fault === undefined ? say(key, values) : `${say(key, values)} ${say('fault', { fault })}`
  }
}
