/** Functions and formats, with the answers that Oracle's SQL Language Reference leads to. */
import { afterAll, assert, describe, it } from "vitest"
import { harness } from "./engineHarness.ts"

const { engine, open } = harness()
const sql = open()
afterAll(() => engine.close())

type Cases = ReadonlyArray<readonly [string, string | number | boolean | null]>

const areas: ReadonlyArray<readonly [string, Cases]> = [
  ["transcendental functions of NUMBER", [
    ["exp(1)", "2.71828182845904523536028747135266249776"],
    ["exp(-100) * exp(100)", "1"],
    ["ln(95)", "4.55387689160054083460978676511404117676"],
    ["round(exp(ln(7)), 37)", "7"],
    ["log(10, 100)", "2"],
    ["log(2, 1024)", "10"],
    ["sin(0)", "0"],
    ["cos(0)", "1"],
    ["round(sin(acos(-1) / 6), 38)", "0.5"],
    ["round(sin(1e30), 20)", "-0.09011690191213805803"],
    ["sin(1e-50)", "0.00000000000000000000000000000000000000000000000001"],
    ["round(tan(atan(3)), 37)", "3"],
    ["asin(1) * 2 - acos(-1)", "0"],
    ["round(atan2(-1, -1), 29)", "-2.35619449019234492884698253746"],
    ["round(sinh(1), 30)", "1.175201193643801456882381850596"],
    ["cosh(0)", "1"],
    ["round(tanh(0.5), 30)", "0.462117157260009758502318483644"],
    ["power(2, 0.5)", "1.41421356237309504880168872420969807857"],
    ["power(10, -0.5) * power(10, 0.5)", "1"],
    ["bin_to_num(1, 0, 1, 0)", "10"],
    ["round(2.5d)", 2],
    ["round(3.5d)", 4],
    ["round(-2.5d)", -2],
    ["mod(5.5d, 2)", 1.5],
    ["remainder(2.5d, 1)", 0.5]
  ]],
  ["numbers as text", [
    ["to_char(0.1f)", "1.00000001E-001"],
    ["to_char(1.5f)", "1.5E+000"],
    ["cast(123.456 as float(5))", "120"],
    ["cast(0.00123456 as float(10))", "0.001235"],
    ["to_number('abc' default -1 on conversion error)", "-1"],
    ["to_number('1,5' default 0 on conversion error, '9G9')", "15"],
    ["to_number('x' default null on conversion error)", null],
    ["'[' || to_char(123.456, '9.9EEEE') || ']'", "[  1.2E+02]"],
    ["'[' || to_char(1e123, '9.9EEEE') || ']'", "[ 1.0E+123]"],
    ["'[' || to_char(100, 'C999') || ']'", "[     USD100]"],
    ["'[' || to_char(-255, 'XXXX') || ']'", "[#####]"],
    [
      "to_char(-10000, 'L99G999D99MI', 'NLS_NUMERIC_CHARACTERS = '',.'' NLS_CURRENCY = ''Taler''')",
      "     Taler10.000,00-"
    ],
    ["to_number('-Taler100', 'L9G999D99', 'NLS_NUMERIC_CHARACTERS = '',.'' NLS_CURRENCY = ''Taler''')", "-100"]
  ]],
  ["dates and intervals", [
    ["extract(timezone_region from timestamp '1999-01-01 10:00:00 -08:00')", "UNKNOWN"],
    ["extract(timezone_abbr from from_tz(timestamp '2024-07-01 10:00:00', 'Europe/Paris'))", "CEST"],
    ["to_char(new_time(to_date('11-10-09 01:23', 'MM-DD-RR HH24:MI'), 'AST', 'PST'), 'DD HH24:MI')", "09 21:23"],
    ["to_char(numtodsinterval(100, 'hour'))", "+000000004 04:00:00.000000000"],
    ["to_char(numtoyminterval(1, 'year'))", "+000000001-00"],
    ["to_char(interval '1-2' year to month)", "+01-02"],
    ["to_char(interval '123-2' year(3) to month)", "+123-02"],
    ["to_char(interval '30.12345' second(2,4))", "+00 00:00:30.1235"],
    ["to_char(interval '250' hour(3))", "+10 10:00:00.000000"],
    ["to_char(to_dsinterval('P100DT05H'))", "+000000100 05:00:00.000000000"],
    ["to_char(to_yminterval('P1Y2M'))", "+000000001-02"],
    ["to_char(systimestamp - systimestamp)", "+000000000 00:00:00.000000"],
    ["to_char((sysdate - date '2024-05-10') day(3) to second(0))", "+007 13:30:45"],
    ["to_char(timestamp '2024-01-01 10:00:00.5')", "01-JAN-24 10.00.00.500000000 AM"],
    ["to_char(timestamp '2024-01-01 10:00:00.5 US/Pacific')", "01-JAN-24 10.00.00.500000000 AM US/PACIFIC"],
    ["to_char(timestamp '2024-01-31 10:00:00 +02:00' + interval '2' month, 'DD.MM. HH24 TZH')", "31.03. 10 +02"],
    ["to_char(date '2024-1-1', 'YYYY-MM-DD')", "2024-01-01"],
    ["to_char(date '2024-05-17', 'Ddspth')", "Seventeenth"],
    ["to_char(date '2024-05-20', 'ddthsp')", "twentieth"],
    ["to_char(date '2024-05-21', 'DDSPTH')", "TWENTY-FIRST"],
    ["to_char(date '1999-05-17', 'Year')", "Nineteen Ninety-Nine"],
    ["to_char(date '2024-05-17', 'YEAR')", "TWENTY TWENTY-FOUR"],
    ["to_char(date '2024-05-17', 'SCC CC')", " 21 21"],
    ["to_char(from_tz(timestamp '2024-07-01 10:00:00', 'Europe/Paris'), 'TZD')", "CEST"],
    ["to_char(current_timestamp(3), 'FF')", "123"],
    ["to_char(cast('2024-01-02' as date default null on conversion error, 'YYYY-MM-DD'), 'DD.MM.')", "02.01."],
    ["cast('x' as date default null on conversion error)", null],
    ["to_char(to_date('abc' default '01-JAN-2020' on conversion error, 'DD-MON-YYYY'), 'YYYY')", "2020"],
    ["to_char(floor(timestamp '2024-05-17 10:30:00', 'HH24'), 'HH24:MI')", "10:00"],
    ["to_char(ceil(date '2024-05-17', 'MM'), 'YYYY-MM-DD')", "2024-06-01"],
    ["validate_conversion('12.5' as number)", "1"],
    ["validate_conversion('12x' as number)", "0"],
    ["validate_conversion(null as number)", "1"],
    ["validate_conversion('2024-13-01' as date, 'YYYY-MM-DD')", "0"]
  ]],
  ["characters", [
    ["chr(8364 using nchar_cs)", "€"],
    ["to_char(next_day(date '2024-05-17', 1), 'DD.MM.')", "19.05."],
    ["asciistr('ABÄCDE')", "AB\\00C4CDE"],
    ["upper('große')", "GROßE"],
    ["nls_upper('große')", "GROßE"],
    ["nls_initcap('o''neil')", "O'Neil"],
    ["instrb('éaéa', 'a', 1, 2)", "6"],
    ["lengthc('é')", "1"],
    ["compose('o' || unistr('\\0308'))", "ö"],
    ["length(decompose('ö'))", "2"],
    ["translate('abc' using char_cs)", "abc"],
    ["to_single_byte(to_multi_byte('A 1'))", "A 1"],
    ["rowidtochar(chartorowid('AAAFd1AAFAAAABSAA/'))", "AAAFd1AAFAAAABSAA/"],
    ["vsize('é')", "2"],
    ["vsize(123)", "3"],
    ["dump('abc')", "Typ=96 Len=3: 97,98,99"],
    ["dump('abc', 1016)", "Typ=96 Len=3 CharacterSet=AL32UTF8: 61,62,63"],
    ["dump('abc', 8, 3, 2)", "Typ=96 Len=3: 143"],
    ["dump('abc', 17)", "Typ=96 Len=3: a,b,c"],
    ["dump(-1.5)", "Typ=2 Len=4: 62,100,51,102"],
    ["dump(date '2024-05-17')", "Typ=13 Len=8: 232,7,5,17,0,0,0,0"],
    ["dump(null)", "NULL"],
    ["rawtohex(standard_hash('abc', 'MD5'))", "900150983CD24FB0D6963F7D28E17F72"],
    ["rawtohex(standard_hash('abc'))", "A9993E364706816ABA3E25717850C26C9CD0D89D"]
  ]]
]

describe.each(areas)("%s", (_area, cases) => {
  it.each(cases)("%s", (text, expected) => {
    assert.strictEqual(sql.value(`select ${text} from dual`), expected)
  })
})

describe("what is refused", () => {
  const refused: ReadonlyArray<readonly [string, string]> = [
    ["max(1, 2)", "ORA-00909"],
    ["ln(0)", "ORA-01428: argument '0' is out of range"],
    ["asin(2)", "ORA-01428"],
    ["power(-2, 0.5)", "ORA-01428"],
    ["log(1, 2)", "ORA-01428"],
    ["exp(1000)", "ORA-01426"],
    ["cast(15 as varchar2(1))", "ORA-25137"],
    ["interval '123' year", "ORA-01873"],
    ["interval '10 25' day to hour", "ORA-01850"],
    ["to_date('05-04-2000', 'DD MON YYYY')", "ORA-01843"],
    ["to_date('2024-01-01')", "ORA-01861"],
    ["to_date('20:10 PM', 'HH24:MI AM')", "ORA-01818"],
    ["to_date('2024 2024', 'YYYY YYYY')", "ORA-01810"],
    ["to_date('2024 24', 'YYYY YY')", "ORA-01812"],
    ["numtoyminterval(1, 'day')", "ORA-01760"],
    ["to_char(1, '9', 'NLS_SOMETHING = 1')", "ORA-12702"],
    ["to_char(sysdate, 'MONTH', 'NLS_DATE_LANGUAGE = French')", "ORA-03001: unimplemented feature: NLS_DATE_LANGUAGE"],
    ["to_number('x' default 'y' on conversion error)", "ORA-01722"],
    ["nls_upper('a', 'NLS_SORT = XGerman')", "ORA-03001: unimplemented feature: NLS_SORT"]
  ]
  it.each(refused)("%s", (text, message) => {
    assert.strictEqual(sql.error(`select ${text} from dual`).slice(0, message.length), message)
  })
})
