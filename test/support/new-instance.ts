/**
 * For every test file: the functions read their environment once per instance, and each file is an
 * instance of its own.
 */
import { vi } from 'vitest'

// What others left behind; libraries stay, for loading them anew takes longer than most files.
vi.resetModules()
vi.useRealTimers()
vi.restoreAllMocks()
vi.unstubAllEnvs()
vi.unstubAllGlobals()
