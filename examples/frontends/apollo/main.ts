import { settings } from '../settings.ts'
import { follow } from './follow.ts'

await follow(settings())
