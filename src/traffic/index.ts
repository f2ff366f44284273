/** Traffic: how often each service is called, how long that takes, and how often it fails. */
export { TrafficRecorder } from './recorder.ts'
