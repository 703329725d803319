/**
 * Runs before every test file. The functions read their environment once per instance, and each
 * test file is a new instance.
 */
import { vi } from 'vitest'

// Resets what earlier test files changed. Libraries stay loaded, because loading them takes long.
vi.resetModules()
vi.useRealTimers()
vi.restoreAllMocks()
vi.unstubAllEnvs()
vi.unstubAllGlobals()
