/** .tir text → a module. All mistakes are told at once, in the order of the text. */
import { registry as standard } from '../ops/index.ts';
import type { Registry } from '../op.ts';
import { LEVELS, type Func, type Level, type Module, type SourceText } from '../program.ts';
import type { AstFile, AstFunction, AstType } from './ast.ts';
import type { Signature } from './context.ts';
import { Elaborator } from './elaborate.ts';
import { parseTree } from './grammar.ts';
import { LayoutReader } from './layouts.ts';
import { guarded, Problems, suggestion } from './problems.ts';
import { typeOfAst } from './types.ts';

/** Throws DiagnosticError with every mistake of the text (docs/tir.md is the language). */
export function parseTir(source: SourceText, registry: Registry = standard): Module {
  const problems = new Problems();
  const { file, errors } = parseTree(source);
  problems.addAll(errors);
  if (file === undefined) problems.check();
  const reader = new FileReader(file, registry, problems);
  const module = reader.module(source);
  problems.check();
  return module;
}

class FileReader {
  private readonly file: AstFile;
  private readonly registry: Registry;
  private readonly problems: Problems;
  private readonly layouts: LayoutReader;

  constructor(file: AstFile, registry: Registry, problems: Problems) {
    this.file = file;
    this.registry = registry;
    this.problems = problems;
    this.layouts = new LayoutReader(problems);
  }

  module(source: SourceText): Module {
    const { file } = this;
    const level = this.level();
    for (const mesh of file.meshes) guarded(() => this.layouts.mesh(mesh));
    const signatures = this.signatures();
    const functions = file.functions.map((f): Func => {
      const context = { registry: this.registry, problems: this.problems, layouts: this.layouts, level, signatures };
      const func = new Elaborator(context).function(f);
      const known = signatures.get(f.name.text);
      if (known !== undefined && known.results === undefined)
        signatures.set(f.name.text, { ...known, results: func.resultTypes });
      return func;
    });
    return { name: file.name?.text ?? 'module', level, meshes: this.layouts.meshes, functions, source };
  }

  private level(): Level {
    const written = this.file.level;
    const level = LEVELS.find((l) => l === (written?.text ?? 'parsed'));
    if (level !== undefined) return level;
    this.problems.add(
      'SH0106',
      `"${written?.text ?? ''}" is not a level`,
      written?.span ?? { start: 0, end: 0 },
      LEVELS.join(', '),
      suggestion(written?.text ?? '', LEVELS),
    );
    return 'parsed';
  }

  private signatures(): Map<string, Signature> {
    const found = new Map<string, Signature>();
    for (const f of this.file.functions) {
      if (found.has(f.name.text))
        this.problems.add('SH0217', `there are two functions @${f.name.text}`, f.name.span, 'one name per function');
      found.set(f.name.text, this.signature(f));
    }
    return found;
  }

  private signature(f: AstFunction): Signature {
    const quiet = { problems: new Problems(), layouts: new LayoutReader(new Problems()) };
    const type = (ast: AstType): ReturnType<typeof typeOfAst> | undefined => guarded(() => typeOfAst(ast, quiet));
    const params = f.params.flatMap((p) => (p.type === undefined ? [] : (type(p.type) ?? [])));
    const results = f.results?.map((r) => (r.type === undefined ? undefined : type(r.type)));
    const complete = results?.filter((t) => t !== undefined);
    return { params, results: complete !== undefined && complete.length === results?.length ? complete : undefined };
  }
}
