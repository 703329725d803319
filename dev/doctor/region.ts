/** What is near what. */

/** Vercel's regions from where WeChat is near, each with the regions of AWS that are near it. */
const nearby: ReadonlyMap<string, readonly string[]> = new Map([
  ['hkg1', ['ap-east-1', 'ap-southeast-1', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3']],
  ['sin1', ['ap-southeast-1', 'ap-southeast-3', 'ap-east-1']],
  ['hnd1', ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-east-1']],
  ['kix1', ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-east-1']],
  ['icn1', ['ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-east-1']],
])

/** The region in the name of a Neon host (`ep-….ap-southeast-1.aws.neon.tech`); null where the name tells none. */
export const regionOf = (databaseUrl: string): string | null =>
  /\.([a-z]+-[a-z]+-\d)\.(?:aws\.)?neon\.tech$/.exec(URL.parse(databaseUrl)?.hostname ?? '')?.[1] ??
  null

export const isFarFromWechat = (functions: string): boolean => !nearby.has(functions)

/** False also for functions that are far from everything here: that is told by itself. */
export const isFar = (functions: string, database: string): boolean =>
  nearby.get(functions)?.includes(database) === false
