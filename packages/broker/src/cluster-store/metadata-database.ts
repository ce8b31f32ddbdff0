/**
 * The first copy of the metadata: `metadata.db`, tables that any SQLite reads (FORMAT.md). Each change is one transaction, synced when
 * `commit` returns. The file is locked exclusively while open, which makes it the lock of the data folder too.
 *
 * SQLite does not check its pages. What was read counts only when it adds up to the digest stored with it.
 */
import type { DatabaseSync as Database, SQLInputValue, StatementSync } from 'node:sqlite'
import { crc32c } from '@odradek/protocol'
import { inOrder, type MetadataEntry, MetadataImage, type StoredTopic } from './metadata-image.ts'
import { DatabaseSync } from './node-sqlite.ts'

type Row = Record<string, string | number | null>

/** The file's format, kept as SQLite's user_version. A broker reads its own and older ones. 1 had no digest, and no second copy. */
export const databaseFormat = 2

const schema = `
  CREATE TABLE cluster (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE topic (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) WITHOUT ROWID;
  CREATE TABLE partition (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, "index" INTEGER NOT NULL, UNIQUE (topic, "index"));
  CREATE TABLE topic_config (topic TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (topic, name)) WITHOUT ROWID;
  CREATE TABLE broker_config (node TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (node, name)) WITHOUT ROWID;
  CREATE TABLE dropped_topic (id TEXT PRIMARY KEY) WITHOUT ROWID;
`

/** Rows of the table `cluster` that are about the others. */
const aboutImage = ['revision', 'digest']

/** The digest as it is stored: the revision is under it, too. */
const sealOf = (revision: number, digest: number): number =>
  crc32c(new TextEncoder().encode(JSON.stringify([revision, digest])))

export interface FoundDatabase {
  /** 0: there is nothing in it. */
  format: number
  image: MetadataImage
  /** What is wrong with it; undefined when it is what was written. */
  damage: string | undefined
}

export interface DatabaseStep {
  entry: MetadataEntry
  /** How many of the topic's are in the table already. */
  partitionsThere: number
}

/** What a change is to the tables; `image` still is as before it. */
export const stepsOf = (image: MetadataImage, entries: readonly MetadataEntry[]): DatabaseStep[] =>
  entries.map(entry => {
    const before = entry[0] === 'topic' ? image.table('topic').get(entry[1]) : undefined
    return { entry, partitionsThere: before?.partitions.length ?? 0 }
  })

export class MetadataDatabase {
  readonly #db: Database
  readonly #statements = new Map<string, StatementSync>()

  private constructor(db: Database) {
    this.#db = db
  }

  /** Takes the lock. Throws what SQLite throws: when somebody else has it, when the file cannot be written, when it is no database. */
  static open(path: string): MetadataDatabase {
    const db = new DatabaseSync(path, { timeout: 0 })
    try {
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL')
      db.exec('BEGIN EXCLUSIVE; COMMIT')
    } catch (error) {
      db.close()
      throw error
    }
    return new MetadataDatabase(db)
  }

  /** To look at it alone: nothing is changed, no lock stays. */
  static openToRead(path: string): MetadataDatabase {
    return new MetadataDatabase(new DatabaseSync(path, { readOnly: true, timeout: 0 }))
  }

  read(): FoundDatabase {
    const found: FoundDatabase = { format: 0, image: new MetadataImage(), damage: undefined }
    try {
      found.format = Number(this.#all('PRAGMA user_version')[0]!.user_version)
      if (found.format === 0 && this.#all('SELECT name FROM sqlite_schema').length === 0) return found
      const about = this.#readInto(found.image)
      found.damage = this.#damageOf(found, about)
    } catch (error) {
      found.damage = (error as Error).message
    }
    return found
  }

  /** Makes the tables, and brings those of format 1 up to this one; `image` is what they hold then. */
  fill(image: MetadataImage): void {
    this.#transaction(() => {
      const isEmpty = this.#all('SELECT name FROM sqlite_schema').length === 0
      if (isEmpty) for (const statement of schema.split(';')) if (statement.trim() !== '') this.#db.exec(statement)
      for (const entry of image.entries()) {
        if (isEmpty || entry[0] === 'cluster') this.#put(entry, 0)
      }
      this.#describe(image.revision, image.digest)
      this.#db.exec(`PRAGMA user_version = ${databaseFormat}`)
    })
  }

  /** `revision` and `digest` are those after the steps. Throws what SQLite throws; then nothing has changed. */
  commit(steps: readonly DatabaseStep[], revision: number, digest: number): void {
    this.#transaction(() => {
      for (const { entry, partitionsThere } of steps) this.#put(entry, partitionsThere)
      this.#describe(revision, digest)
    })
  }

  close(): void {
    this.#db.close()
  }

  #transaction(changes: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      changes()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #describe(revision: number, digest: number): void {
    this.#run('INSERT OR REPLACE INTO cluster VALUES (?, ?)', 'revision', revision)
    this.#run('INSERT OR REPLACE INTO cluster VALUES (?, ?)', 'digest', sealOf(revision, digest))
  }

  /** `partitionsThere`: how many of a topic's are in the table already. */
  #put([table, key, value]: MetadataEntry, partitionsThere: number): void {
    if (table === 'cluster') this.#run('INSERT OR REPLACE INTO cluster VALUES (?, ?)', key, value)
    else if (table === 'broker') {
      this.#run('DELETE FROM broker_config WHERE node = ?', key)
      for (const [name, text] of Object.entries(value ?? {}))
        this.#run('INSERT INTO broker_config (node, name, value) VALUES (?, ?, ?)', key, name, text)
    } else if (table === 'dropped') {
      this.#run('DELETE FROM dropped_topic WHERE id = ?', key)
      if (value !== null) this.#run('INSERT INTO dropped_topic (id) VALUES (?)', key)
    } else this.#putTopic(key, value, partitionsThere)
  }

  #putTopic(id: string, topic: StoredTopic | null, partitionsThere: number): void {
    this.#run('DELETE FROM topic_config WHERE topic = ?', id)
    if (topic === null) {
      this.#run('DELETE FROM partition WHERE topic = ?', id)
      this.#run('DELETE FROM topic WHERE id = ?', id)
      return
    }
    if (partitionsThere === 0) this.#run('INSERT INTO topic (id, name) VALUES (?, ?)', id, topic.name)
    for (let index = partitionsThere; index < topic.partitions.length; index++) {
      const number = topic.partitions[index]!
      this.#run('INSERT INTO partition (id, topic, "index") VALUES (?, ?, ?)', number, id, index)
    }
    for (const [name, value] of Object.entries(topic.config))
      this.#run('INSERT INTO topic_config (topic, name, value) VALUES (?, ?, ?)', id, name, value)
  }

  /** Gives the rows of `cluster` that are about the image. What can be read stays in it when a later table cannot. */
  #readInto(image: MetadataImage): Map<string, number> {
    const about = new Map<string, number>()
    for (const { name, value } of this.#each('SELECT name, value FROM cluster')) {
      if (aboutImage.includes(String(name))) about.set(String(name), Number(value))
      else image.put(['cluster', String(name), String(value)])
    }
    const configs = this.#grouped('SELECT topic AS key, name, value FROM topic_config')
    const partitions = new Map<string, number[]>()
    for (const { id, topic } of this.#each('SELECT id, topic FROM partition ORDER BY topic, "index"')) {
      const found = partitions.get(String(topic))
      if (found === undefined) partitions.set(String(topic), [Number(id)])
      else found.push(Number(id))
    }
    for (const { id, name } of this.#each('SELECT id, name FROM topic')) {
      const key = String(id)
      const config = inOrder(configs.get(key) ?? {})
      image.put(['topic', key, { name: String(name), partitions: partitions.get(key) ?? [], config }])
    }
    for (const [node, config] of this.#grouped('SELECT node AS key, name, value FROM broker_config'))
      image.put(['broker', node, inOrder(config)])
    for (const { id } of this.#each('SELECT id FROM dropped_topic')) image.put(['dropped', String(id), true])
    if (!image.table('cluster').has('next_partition_id')) this.#addNextPartition(image)
    image.revision = about.get('revision') ?? 0
    return about
  }

  /** Format 1 left it to SQLite to count them. */
  #addNextPartition(image: MetadataImage): void {
    const last = this.#all(`SELECT seq FROM sqlite_sequence WHERE name = 'partition'`)[0]?.seq ?? 0
    image.put(['cluster', 'next_partition_id', String(Number(last) + 1)])
  }

  #grouped(sql: string): Map<string, Record<string, string>> {
    const groups = new Map<string, Record<string, string>>()
    for (const { key, name, value } of this.#each(sql)) {
      const group = groups.get(String(key))
      if (group === undefined) groups.set(String(key), { [String(name)]: String(value) })
      else group[String(name)] = String(value)
    }
    return groups
  }

  /** Rows may be right while what leads to them is not: the next change would make it worse. */
  #damageOf({ format, image }: FoundDatabase, about: ReadonlyMap<string, number>): string | undefined {
    if (format === 0) return 'it has tables and no version'
    if (format > 1 && about.get('digest') !== sealOf(image.revision, image.digest))
      return 'its content does not match its checksum'
    const result = this.#all('PRAGMA integrity_check(1)')[0]!.integrity_check
    return result === 'ok' ? undefined : String(result)
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values)
  }

  #all(sql: string): Row[] {
    return this.#statement(sql).all() as Row[]
  }

  #each(sql: string): Iterable<Row> {
    return this.#statement(sql).iterate() as Iterable<Row>
  }

  #statement(sql: string): StatementSync {
    let found = this.#statements.get(sql)
    if (found === undefined) this.#statements.set(sql, (found = this.#db.prepare(sql)))
    return found
  }
}
