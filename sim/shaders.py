"""GLSL programs of the renderer."""

MAX_LAMPS = 12
_SKY = """
uniform vec3 zenith, horizon; uniform float expo;
vec3 sky(vec3 d){
  float h = clamp(d.z, -.2, 1.);
  vec3 s = mix(horizon, zenith, pow(max(h, 0.), .55));
  if (d.z < 0.) s = mix(horizon*.55, vec3(.10), clamp(-d.z*6., 0., 1.));
  return s*1.15;
}
vec3 aces(vec3 x){ return clamp((x*(2.51*x+.03))/(x*(2.43*x+.59)+.14), 0., 1.); }
"""

SURFACE_VERTEX = """#version 330
in vec3 p; in vec3 n; in vec2 uv; in vec4 c;
uniform mat4 VP, Mo, LS;
out vec3 wp; out vec3 wn; out vec2 fuv; out vec4 fc; out vec4 ls; out vec3 op;
void main(){
  vec4 w = Mo*vec4(p,1);
  wp = w.xyz; wn = mat3(Mo)*n; fuv = uv; fc = c; op = p; ls = LS*w;
  gl_Position = VP*w;
}"""

# mode 0: vertex colour; 1: sRGB texture; 2: linear texture with gloss in alpha; 3: cut-out leaves
SURFACE_FRAGMENT = (
    """#version 330
in vec3 wp; in vec3 wn; in vec2 fuv; in vec4 fc; in vec4 ls; in vec3 op;
uniform sampler2D T; uniform sampler2DShadow S0, S1;
uniform int mode, dyn, lamps; uniform vec3 eye, sun, sunc, amblo, ambhi, fogc; uniform float sunk, fogd, wet, night;
uniform vec3 lampp[12];
layout(location=0) out vec4 o;
"""
    + _SKY
    + """
float shadow(sampler2DShadow s, vec3 q, float t){
  return .25*(texture(s,q+vec3(-.7*t,-.3*t,0)) + texture(s,q+vec3(.3*t,-.7*t,0))
            + texture(s,q+vec3(.7*t,.3*t,0)) + texture(s,q+vec3(-.3*t,.7*t,0)));
}
void main(){
  vec4 tx = vec4(1); vec3 al; float gl = fc.a;
  if (mode==1) { tx = texture(T,fuv); al = pow(tx.rgb,vec3(2.2))*fc.rgb; }
  else if (mode==2) { tx = texture(T,fuv); al = tx.rgb*fc.rgb; gl = tx.a; }
  else if (mode==3) { tx = texture(T,fuv); if (tx.a<.45) discard; al = tx.rgb/max(tx.a,.01)*fc.rgb; gl = 0.; }
  else {
    al = fc.rgb;
    if (gl<.12 && op.z>.02 && dot(op,op)<9.) {
      float q = sin(op.x*47.+sin(op.z*31.)*2.)*sin(op.z*53.+op.y*29.);
      al *= 1.+.16*q+.10*sin(op.z*17.+op.y*40.);
      al = mix(al, vec3(dot(al,vec3(.33))), .18);
    }
  }
  vec3 N = normalize(wn); vec3 V = normalize(eye-wp);
  if (mode==3 && dot(N,V)<-.3) N = -N;
  float nl = max(dot(N,sun),0.); if (mode==3) nl = nl*.7+.25;
  vec3 q = ls.xyz*.5+.5; q.z -= .0006+.0012*(1.-nl);
  float vis = 1.;
  if (q.x>0. && q.x<1. && q.y>0. && q.y<1.) {
    vis = shadow(S0,q,1./4096.);
    if (dyn==1 && vis>0.) vis = min(vis, shadow(S1,q,1./3072.));
  }
  vis *= sunk;
  if (mode==1 && wet>0.) {
    float damp = wet*clamp(.75+.35*sin(wp.x*.7+sin(wp.y*.9)*1.3)*sin(wp.y*.53+1.),0.,1.);
    al *= 1.-.5*damp; gl = .25+.55*damp;
  }
  vec3 amb = mix(amblo, ambhi, N.z*.5+.5);
  float ao = 1.;
  if (mode==0 && dot(op,op)<16.) ao = mix(.6,1.,clamp(op.z/1.1,0.,1.));
  if (mode==2) ao = mix(.55,1.,clamp(op.z/.7,0.,1.));
  vec3 light = amb*ao*.85+sunc*nl*vis;
  for (int i=0; i<lamps; i++) {
    vec3 l = lampp[i]-wp; float d2 = dot(l,l);
    if (d2<1600.) {
      l *= inversesqrt(d2);
      light += vec3(1.,.80,.52)*(max(dot(N,l),0.)*.85+.15)*smoothstep(.15,.75,l.z)*night*52./(d2+26.);
    }
  }
  vec3 c = al*light;
  if (mode==2 && night>0. && gl>.8 && dot(op,op)>150.) {
    vec2 cell = floor(vec2(fuv.x*8., fuv.y*6.));
    float k = fract(sin(dot(cell,vec2(12.9898,78.233))+floor(wp.x*.05)+floor(wp.y*.05))*43758.5453);
    if (k>.72) c += vec3(1.,.82,.55)*(k-.6)*.5*night;
  }
  if (gl>.25) {
    vec3 R = reflect(-V,N);
    float f = .04+.96*pow(1.-max(dot(N,V),0.),5.);
    float k = gl>.8 ? 1. : clamp((gl-.25)*1.6,0.,.8);
    vec3 rf = sky(R)*(mode==1 ? vec3(.75) : vec3(1.));
    float sp = pow(max(dot(R,sun),0.), gl>.8?600.:220.)*(gl>.8?14.:7.)*vis;
    c = c*(1.-f*k) + (rf*f*k*(gl>.8?1.5:1.15) + (gl>.8?rf*.06:vec3(0))) + sp*sunc*.36*f*6.*k;
  }
  float d = length(eye-wp);
  c = mix(c, fogc, 1.-exp(-d*fogd));
  o = vec4(pow(aces(c*expo),vec3(1./2.2)),1.);
}"""
)

SKY_VERTEX = "#version 330\nin vec2 p; out vec2 u; void main(){ u=p; gl_Position=vec4(p,.9999,1); }"
SKY_FRAGMENT = (
    """#version 330
in vec2 u; uniform mat4 IVP; uniform vec3 eye, fogc; uniform float cloud, fogd; uniform sampler2D C; out vec4 o;
"""
    + _SKY
    + """
void main(){
  vec4 a = IVP*vec4(u,1,1); vec3 d = normalize(a.xyz/a.w-eye); vec3 c = sky(d);
  if (d.z>.0) {
    vec2 t = d.xy/(d.z+.12)*.11; float k = texture(C,t).r;
    c = mix(c, vec3(cloud), smoothstep(.5,.85,k)*.55*smoothstep(0.,.15,d.z));
  }
  c = mix(c, fogc, clamp(1.-exp(-fogd*60./(abs(d.z)+.05)),0.,1.)*step(.002,fogd));
  o = vec4(pow(aces(c*expo),vec3(1./2.2)),1);
}"""
)

DEPTH_VERTEX = """#version 330
in vec3 p; in vec2 uv; uniform mat4 VP, Mo; out vec2 f;
void main(){ f=uv; gl_Position = VP*Mo*vec4(p,1); }"""
DEPTH_FRAGMENT = """#version 330
in vec2 f; uniform sampler2D T; uniform int mode; uniform vec3 idc; out vec4 o;
void main(){ if (mode==3 && texture(T,f).a<.45) discard; o = vec4(idc,1); }"""

POSITION_VERTEX = """#version 330
in vec3 p; in vec2 uv; uniform mat4 VP, Mo; out vec2 f; out vec3 w;
void main(){ f=uv; vec4 q = Mo*vec4(p,1); w=q.xyz; gl_Position = VP*q; }"""
POSITION_FRAGMENT = """#version 330
in vec2 f; in vec3 w; uniform sampler2D T; uniform int mode; out vec4 o;
void main(){ if (mode==3 && texture(T,f).a<.45) discard; o = vec4(w,gl_FragCoord.z); }"""

# dark blot where a body touches the ground
CONTACT_VERTEX = """#version 330
in vec2 p; uniform mat4 VP, Mo; uniform vec2 hl; out vec2 u;
void main(){ u=p; gl_Position = VP*Mo*vec4(p*(hl+.35),.03,1); }"""
CONTACT_FRAGMENT = """#version 330
in vec2 u; uniform vec2 hl; uniform float k; out vec4 o;
void main(){
  vec2 q = abs(u)*(hl+.35); vec2 d = max(q-hl*.86,0.);
  o = vec4(0,0,0,k*(1.-smoothstep(0.,1.,length(d)/.5)));
}"""

# a lamp: solid lens with a soft glow around it; ``spread`` is the sheet's half side in lens radii
LAMP_VERTEX = """#version 330
in vec2 p; uniform mat4 VP; uniform vec3 ctr; uniform vec2 sz; out vec2 u;
void main(){ u=p; vec4 q = VP*vec4(ctr,1); gl_Position = q+vec4(p*sz*q.w,-.0004*q.w,0); }"""
LAMP_FRAGMENT = """#version 330
in vec2 u; uniform vec3 col; uniform float glow, spread; out vec4 o;
void main(){
  float r = length(u)*spread;
  float lens = 1.-smoothstep(.88,1.06,r);
  float halo = spread<2.5 ? glow*.45*exp(-pow(max(r-.8,0.),2.)*4.)
                          : glow*.5*exp(-max(r-.8,0.)*.9)*(1.-smoothstep(.7,1.,length(u)));
  float a = max(lens, halo);
  o = vec4(mix(col, vec3(1.), glow*.22*(1.-smoothstep(0.,.9,r))), a);
}"""

# the mirror image of a lamp on a wet road, drawn out downward
STREAK_FRAGMENT = """#version 330
in vec2 u; uniform vec3 col; uniform float glow; out vec4 o;
void main(){ o = vec4(col*glow*exp(-u.x*u.x*5.)*exp(-u.y*u.y*3.),1); }"""

# the light a vehicle throws on the road before it
POOL_VERTEX = """#version 330
in vec2 p; uniform mat4 VP, Mo; uniform vec3 pool; out vec2 u;
void main(){ u=p; gl_Position = VP*Mo*vec4(pool.x+(p.x+1.)*pool.y*.5, p.y*pool.z*(.55+.45*(p.x*.5+.5)), .05, 1); }"""
POOL_FRAGMENT = """#version 330
in vec2 u; uniform vec3 col; out vec4 o;
void main(){
  float x = u.x*.5+.5;
  o = vec4(col*smoothstep(0.,.12,x)*pow(1.-x,1.4)*(1.-smoothstep(.3,1.,abs(u.y))),1);
}"""

# the cached background with the moving shadows of this frame
BACKGROUND_VERTEX = "#version 330\nin vec2 p; out vec2 u; void main(){ u=p*.5+.5; gl_Position=vec4(p,0,1); }"
BACKGROUND_FRAGMENT = """#version 330
in vec2 u; uniform sampler2D A, B, Pz; uniform sampler2DShadow S1; uniform mat4 LS; uniform int sunny; out vec4 o;
void main(){
  vec4 w = texture(Pz,u); vec3 a = texture(A,u).rgb; float v = 1.;
  if (sunny==1 && w.a<.99999) {
    vec4 l = LS*vec4(w.xyz,1); vec3 q = l.xyz*.5+.5; q.z -= .0009; float t = 1./3072.;
    if (q.x>0. && q.x<1. && q.y>0. && q.y<1.)
      v = .25*(texture(S1,q+vec3(-.9*t,-.4*t,0)) + texture(S1,q+vec3(.4*t,-.9*t,0))
             + texture(S1,q+vec3(.9*t,.4*t,0)) + texture(S1,q+vec3(-.4*t,.9*t,0)));
  }
  if (v<.999) a = mix(texture(B,u).rgb, a, v);
  gl_FragDepth = w.a; o = vec4(a,1);
}"""
BACKGROUND_DEPTH_FRAGMENT = """#version 330
in vec2 u; uniform sampler2D Pz; out vec4 o;
void main(){ gl_FragDepth = texture(Pz,u).a+2e-6; o = vec4(0); }"""
