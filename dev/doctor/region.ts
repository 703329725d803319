/** Which regions are close to each other. */

/** The regions of Vercel that are close to WeChat, each with the close regions of AWS. */
const nearby: ReadonlyMap<string, readonly string[]> = new Map([
  ['hkg1', ['ap-east-1', 'ap-southeast-1', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3']],
  ['sin1', ['ap-southeast-1', 'ap-southeast-3', 'ap-east-1']],
  ['hnd1', ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-east-1']],
  ['kix1', ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-east-1']],
  ['icn1', ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-east-1']],
])

/**
 * The region in the name of a Neon host (`ep-….ap-southeast-1.aws.neon.tech`). Null if the name has
 * none.
 */
export const regionOf = (databaseUrl: string): string | null =>
  /\.([a-z]+-[a-z]+-\d)\.(?:aws\.)?neon\.tech$/.exec(URL.parse(databaseUrl)?.hostname ?? '')?.[1] ??
  null

export const isFarFromWechat = (functions: string): boolean => !nearby.has(functions)

/**
 * Also false for functions that are far from all of these regions, because that is reported
 * separately.
 */
export const isFar = (functions: string, database: string): boolean =>
  nearby.get(functions)?.includes(database) === false
