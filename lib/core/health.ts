type State = 'up' | 'down'

/** Whether each dependency does its work. */
export interface Health {
  readonly database: State
  readonly redis: State
  readonly wechat: State
}
