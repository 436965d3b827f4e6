"""Which language a text is in: by its script, and by its commonest words where several share one.

Deterministic and without a model: ifeval's own verifiers ask the package langdetect, which draws at random.
Texts of a sentence and more agree; see docs/benchmarks-programs.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["language_of"]

MOST_TEXT = 20_000  # characters that are looked at

# Script -> first and last code points.
SCRIPTS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "latin": ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF)),
    "cyrillic": ((0x400, 0x52F),),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
    "devanagari": ((0x900, 0x97F),),
    "el": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "he": ((0x590, 0x5FF),),
    "bn": ((0x980, 0x9FF),),
    "pa": ((0xA00, 0xA7F),),
    "gu": ((0xA80, 0xAFF),),
    "ta": ((0xB80, 0xBFF),),
    "te": ((0xC00, 0xC7F),),
    "kn": ((0xC80, 0xCFF),),
    "ml": ((0xD00, 0xD7F),),
    "th": ((0xE00, 0xE7F),),
    "ko": ((0xAC00, 0xD7AF), (0x1100, 0x11FF), (0x3130, 0x318F)),
    "kana": ((0x3040, 0x30FF),),
    "han": ((0x4E00, 0x9FFF), (0x3400, 0x4DBF)),
}
# The commonest words of each language, and endings or letters of its own behind a bar.
WORDS: Mapping[str, Mapping[str, str]] = {
    "cyrillic": {
        "ru": "и в не на что с он как это по но они мы из у за то все так его к вы я для от был она их или "
        "если же бы чтобы есть только уже очень когда может нет быть который ещё | ы э ё ъ",
        "uk": "і в не на що з він як це по але вони ми із у за то всі так його до ви я для від був вона їх "
        "або якщо ж щоб є тільки вже дуже коли може немає бути який ще та | і ї є ґ",
        "bg": "и в не на че с той как това по но те ние от у за то всички така го към вие аз за са съм е си "
        "ще да се или ако би само вече много когато може няма който още във със при | ъ",
        "mk": "и во не на дека со тој како ова по но тие ние од за тоа сите така го кон вие јас се сум ќе "
        "да или ако би само веќе многу кога може нема кој уште при | ѓ ќ ј љ њ ѕ џ",
    },
    "arabic": {
        "ar": "في من على إلى أن هذا هذه التي الذي لا ما كان مع عن أو هو هي قد ثم كل بعد قبل بين ذلك لم لن "
        "إن كما أنا نحن لكن حيث يمكن | ة ى أ إ ؤ",
        "fa": "در از به که این است را با برای آن یک بود می تا بر هم خود نیز ها های شود کرد اما باید دارد "
        "دارند شما من ما اگر هر چه یا و | پ چ ژ گ ی ک",
        "ur": "کے میں کی ہے کا اور سے کو نے پر یہ ہیں کہ تھا اس جو ایک بھی نہیں کر وہ ہو تو تھی تھے آپ ہم "
        "لیے گا گی رہے ہوں کیا جب اگر | ٹ ڈ ڑ ے ہ ں ھ",
    },
    "devanagari": {
        "hi": "के में की है का और से को ने पर यह हैं कि था इस जो एक भी नहीं कर वह हो तो थी थे आप हम लिए गा "
        "गी रहे हूं हूँ क्या जब अगर या मैं साथ अपने | ़",
        "mr": "आहे आणि मध्ये च्या हे ते या ती तो आहेत नाही होते होता होती मी आम्ही तुम्ही करा करून साठी पण "
        "तर जे की एक अशा असे केले आपण आपले आपल्या त्या ला ने चा ची चे हा ही कृपया खाली बद्दल वर आम्हाला मला "
        "तुम्हाला होती त्यांनी त्याच्या तिच्या काही सर्व खूप | ळ",
        "ne": "छ र को मा ले हो यो गर्न भने छन् पनि तर वा यस एक हुन्छ हुन् थियो गर्नु भएको गरेको लागि म हामी "
        "तपाईं तपाईँ छैन अनि के त्यो बाट सँग तथा लाई",
    },
    "latin": {
        "en": "the of and to in a is that for it as was with be by on not he his but at are this have from "
        "or had an they which you we she her were their there been has when who will more no if out so what "
        "up its i your my can do would all about me how our these some them then than could should just "
        "like into only also whether between each many most such over while where because before after "
        "through being both under other any very much make made may must here why how given using use",
        "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an "
        "werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war "
        "haben nur oder aber vor zur bis mehr durch man sein wurde ich du wir ihr mein dein kann wenn | ß ä "
        "ö ü",
        "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il "
        "sont avec ou son aux mais comme nous vous je tu elle ils cette ces leur tout être fait bien sans "
        "deux même entre sous chaque leurs ses son mon ma mes votre notre était ont peut quand aussi où y | "
        "ç œ è ê à ù",
        "es": "de la que el en y a los se del las un por con no una su para es al lo como más pero sus le "
        "ya o este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo "
        "nos yo mi tu son está ser tiene puede sea sido ha han las unos unas mientras aunque nuestro | ñ ¿ ¡",
        "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele "
        "das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era "
        "depois sem mesmo aos você são pode foram num numa ter tem seus suas essa esse | ã õ ç",
        "it": "di e il la che in a un per è del non una con da sono le i si al lo come più nel della dei ma "
        "ha o anche gli alla se questo questa delle mi ho tra io tu lui lei noi voi loro suo essere molto "
        "perché quando dalla dell nella sulla dal nei negli ed può sia hanno stato | ì ò",
        "nl": "de van het een en in is dat op te zijn met voor niet aan er om ook als dan maar bij of door "
        "naar uit nog wel hij zij wij ik je jij deze die dit worden wordt heeft hebben kan meer over hun "
        "was geen | ij",
        "sv": "och i att det som en på är av för med till den har de inte om ett han men var jag sig från "
        "vi så kan när hon under också efter eller nu sin där vid mot ska skulle kommer ut får finns alla "
        "mycket | å ä ö",
        "da": "og i at det som en på er af for med til den har de ikke om et han men var jeg sig fra vi så "
        "kan når hun under også efter eller nu sin der ved mod skal skulle kommer ud får alle meget | æ ø å",
        "no": "og i at det som en på er av for med til den har de ikke om et han men var jeg seg fra vi så "
        "kan når hun under også etter eller nå sin der ved mot skal skulle kommer ut får alle mye være ble "
        "| æ ø å",
        "fi": "ja on ei että se hän oli mutta ovat kun niin kuin myös tai joka sen mukaan ole jos voi vain "
        "ne tämä nyt minä sinä me he olen olla hyvin kanssa sekä ennen jälkeen kuten | ä ö yy ää ssa ssä "
        "lla llä",
        "et": "ja on ei et see ta oli aga kui ka või mis selle ning ole siis seda mida nii veel oma kes "
        "pärast kuid ma sa me nad olen | õ ä ö ü",
        "pl": "i w nie na z się że do to jest o jak ale po co tak za od jego przez dla czy ich tym był była "
        "było może być oraz już tylko ja ty my są które który która przed bardzo jeśli gdy | ł ą ę ś ż ź ć ń",
        "cs": "a v se na je že to s z do o i jako ale pro jsem by za si jeho byl byla bylo jsou nebo které "
        "který která také když jak tak po od už ve být mít | ě ř ů č š ž ý",
        "sk": "a v sa na je že to s z do o i ako ale pre som by za si jeho bol bola bolo sú alebo ktoré "
        "ktorý ktorá tiež keď tak po od už vo byť mať | ľ ĺ ŕ ô ť ď ň",
        "sl": "in v je na se da za so ki z ne bi po pa tudi kot ali sem smo ni to kar če bil bila bilo pri "
        "od do iz lahko vse samo",
        "hr": "i u je na se da za su koji s ne bi po a ili kao sam smo nije to što ako bio bila bilo pri od "
        "do iz može sve samo te | đ ć",
        "ro": "de și în a la cu pe un o nu ce este se din care mai pentru să sunt au fost dar sau ca prin "
        "lui ei fi am avea după când foarte această acest | ă ș ț î â",
        "hu": "a az és hogy nem is egy ez meg van de volt csak már mint ha el még ki azt vagy lehet nagyon "
        "kell ezt után minden én te mi ő | ő ű",
        "tr": "ve bir bu da de için ile ne o çok daha gibi olarak var ama kadar sonra ben sen biz en değil "
        "olan her mi ki ya veya | ı ş ğ ç",
        "vi": "và của là có trong một được cho không với các những người này đó khi để đã từ như tôi bạn "
        "chúng ta cũng nhiều về hay nếu thì rất | ơ ư đ ạ ả ấ ầ ế ề ệ ọ ộ ợ ự",
        "id": "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena ada mereka "
        "bisa atau sudah kami kita oleh seperti sebagai adalah lebih dapat anda telah",
        "tl": "ang ng sa na mga ay at ko hindi ito siya ako ka ni kung para may mo niya pa namin nila isang "
        "lang din rin kanyang",
        "sw": "na ya wa kwa ni katika za la kuwa cha hii yake wake huo kama lakini au hiyo watu sana ili "
        "kila pia mimi wewe sisi wao vya bila baada kabla hivyo yangu yako wetu yetu huu hizi hawa",
        "so": "waa iyo ka in oo ah ku uu u ee la ayaa aan soo si kale waxaa wax ayay",
        "sq": "dhe të e në për me që një është nga nuk ka si i së do kjo ky janë por ose më | ë",
        "lt": "ir yra kad su iš į bet tai kaip jis ji buvo ar už dėl taip pat apie mes aš | ė ų ū į",
        "lv": "un ir ka ar no uz bet tas kā viņš viņa bija vai par arī mēs es lai | ā ē ī ū ļ ņ",
        "ca": "de la i el que en a els per amb no una un del les és al com més però són o també aquest "
        "aquesta hi ha seva seu | ç l·l",
        "af": "die van en in is dat het 'n op te vir nie met as was sy aan wat ook ek jy ons hulle hierdie "
        "sal kan maar of by word",
        "cy": "yn y a i o ar yr mae wedi ei am bod gan fod gyda hyn oedd ond hefyd neu ac",
    },
}


def _weights(
    lists: Mapping[str, str],
) -> tuple[Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, float]]]:
    """Word -> language -> weight, and likewise for letters: what fewer languages share says more."""
    found: tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]] = ({}, {})
    for place in (0, 1):
        for language, both in lists.items():
            for part in set((*both.split("|"), "")[place].split()):
                found[place].setdefault(part, {})[language] = 1.0
        for shared in found[place].values():
            for language in shared:
                shared[language] = 1.0 / len(shared)
    return found


_WEIGHTS = {script: _weights(lists) for script, lists in WORDS.items()}
_RANGES = tuple((first, last, script) for script, ranges in SCRIPTS.items() for first, last in ranges)
_TOKEN = re.compile(r"[\u0900-\u097F]+|[^\W\d_]+(?:['’][^\W\d_]+)?")


def language_of(text: str) -> str:
    """The code of a text's language as langdetect names it, as `en`; `""` where nothing tells it."""
    words = text[:MOST_TEXT].split()
    text = " ".join(word for word in words if "://" not in word and "@" not in word)
    counted = _scripts(text)
    if not counted:
        return ""
    if counted["latin"] * 2 < sum(counted.values()) - counted["latin"]:
        del counted["latin"]
    if counted["kana"] or counted["han"]:
        counted["kana" if counted["kana"] * 10 > counted["han"] else "han"] += min(
            counted["kana"], counted["han"]
        )
    script = max(counted, key=lambda name: counted[name])
    named = {"kana": "ja", "han": "zh-cn"}
    return _by_words(text.lower(), script) if script in WORDS else named.get(script, script)


def _scripts(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for character, count in Counter(text).items():
        code = ord(character)
        for first, last, script in _RANGES:
            if first <= code <= last:
                found[script] += count
                break
    return found


def _by_words(text: str, script: str) -> str:
    """The language whose commonest words and letters a text has; English where it has those of none."""
    words, letters = _WEIGHTS[script]
    tokens = _TOKEN.findall(text)
    scores: Counter[str] = Counter()
    _add(scores, words, (part for token in tokens for part in (token, *_parts(token))))
    _add(scores, letters, text, 0.15)
    if not scores:
        return {"latin": "en", "cyrillic": "ru", "arabic": "ar", "devanagari": "hi"}[script]
    return max(scores, key=lambda language: (scores[language], language == "en"))


def _parts(token: str) -> Iterable[str]:
    return re.split(r"['’]", token) if "'" in token or "’" in token else ()


def _add(
    scores: Counter[str], weights: Mapping[str, Mapping[str, float]], found: Iterable[str], each: float = 1.0
) -> None:
    for part, count in Counter(found).items():
        for language, weight in weights.get(part, {}).items():
            scores[language] += weight * count * each  # type: ignore[assignment]
