export class Sandbox {
  constructor();
  readonly hasNoNetwork: boolean;
  readonly hasPython: boolean;
  python(program: string): Promise<boolean>;
  javascript(program: string): Promise<boolean>;
}
